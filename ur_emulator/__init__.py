"""A UR controller and a Robotiq gripper on loopback, written from what is published about their protocols.

Client libraries cannot tell them from the devices, so that the whole robot side runs in tests and dry runs.
"""
