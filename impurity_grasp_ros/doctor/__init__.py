"""Checks of a cell before the first job: what is wrong, and the cure. Nothing is moved and nothing is changed."""
