"""An emulated UR5 controller with a Robotiq 2F-85, to test UR drivers without a robot.

It serves the ports of the real devices: RTDE, dashboard, the script interfaces and the socket of the gripper's URCap,
and a port of its own on which tests ask for faults. ``python -m ur_emulator`` starts it; ``README.md`` in this folder
says what is emulated and what is not.
"""
