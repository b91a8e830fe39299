"""Physical and published constants, with unit and source. Values that can be tuned are in ``config/``."""

import math

HEIGHTMAP_SIZE_PX = 224
"""Rows and columns of the workspace heightmap (paper, section 3)."""

HEIGHTMAP_RESOLUTION = 0.002
"""Edge of one heightmap cell in meters: 0.448 m / 224 (paper, section 3)."""

CROP_SIZE_PX = 112
"""Rows and columns of the target-centric crop (paper, section 5.1.1)."""

ROTATIONS = 16
"""Number of orientations of a primitive (paper, section 5.2.1)."""

ROTATION_STEP = 2.0 * math.pi / ROTATIONS
"""Angle between two orientations in radians, 22.5 degrees."""

PUSH_LENGTH = 0.10
"""Length of a push in meters (paper, section 3)."""

GRIPPER_STROKE = 0.085
"""Largest finger opening of the Robotiq 2F-85 in meters (data sheet)."""

GRAVITY = 9.81
"""Standard acceleration of free fall in m/s2, rounded."""
