"""Drivers of the real arm and gripper, with the same protocols as the simulated ones."""
