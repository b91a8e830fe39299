"""Drivers of an arm and a gripper behind controllers of ``ros2_control``, and the emulation of these controllers."""
