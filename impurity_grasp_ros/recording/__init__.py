"""Recordings of jobs, as MCAP files; what is written and read here does not depend on ROS 2."""
