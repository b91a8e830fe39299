"""Where the robot is said to be out of the camera's view, no pixel of the workspace shows it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from grippers import KINEMATICS

from impurity_grasp_ros.motion.line_of_sight import LineOfSight
from impurity_grasp_ros.simulation.camera import project
from impurity_grasp_ros.simulation.environment import Environment
from impurity_grasp_ros.transform import tool_down

pytestmark = pytest.mark.sim


def test_no_pixel_of_the_workspace_shows_a_robot_that_is_out_of_view(environment: Environment) -> None:
    """On the ways home from places all over the workspace; the rendered image decides."""
    environment.lay_out([])
    grid, home = environment.cell.workspace.grid, np.array(environment.cell.home)
    x_max, y_max = grid.x_min + grid.columns * grid.resolution, grid.y_min + grid.rows * grid.resolution
    corners = [(x, y, z) for x in (grid.x_min, x_max) for y in (grid.y_min, y_max) for z in (0.0, 0.10)]
    seen = np.round(project(np.array(corners), environment.camera)).astype(np.int32)
    rendering = environment.camera.render()
    workspace = np.zeros(rendering.bodies.shape, np.uint8)
    cv2.fillConvexPoly(workspace, cv2.convexHull(seen.reshape(-1, 1, 2)), 1)

    sight, robot = LineOfSight(environment.cell), environment._robot.body
    shown: dict[bool, list[bool]] = {True: [], False: []}
    for x, y, part in [
        (x, y, part) for x in (0.3, 0.5, 0.7) for y in (-0.2, 0.0, 0.2) for part in np.linspace(0, 1, 9)
    ]:
        above = KINEMATICS.nearest(tool_down((x, y, 0.20), 0.3), home)
        assert above is not None
        joints = above + part * (home - above)
        environment.arm.jump_to(joints)
        shown[sight.is_free(joints)].append(
            bool(((environment.camera.render().bodies == robot) & (workspace > 0)).any())
        )
    assert len(shown[True]) >= 20
    assert not any(shown[True])
    assert np.mean(shown[False]) > 0.5, "the others are close to the view, if not in it"
