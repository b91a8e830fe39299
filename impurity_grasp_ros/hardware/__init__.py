"""Drivers of the real arm and gripper, on the protocols that the simulated ones satisfy too."""
