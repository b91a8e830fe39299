"""Find the odd object in dense clutter and pick it out by pushing and grasping.

The data flow is ``RgbdFrame -> Heightmap -> Attention -> Primitive -> Outcome``. Every arrow is a pure function or a
call to a device; see ``docs/architecture.md``.
"""

__version__ = "0.1.0"
