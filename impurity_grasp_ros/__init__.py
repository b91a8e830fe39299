"""Find the odd object in dense clutter and pick it out by pushing and grasping.

The data flow is ``RgbdFrame -> Heightmap -> Attention -> Primitive -> Outcome``; every arrow is one pure function
or one device call, and every folder of this package holds one or two arrows.
"""

__version__ = "0.1.0"
