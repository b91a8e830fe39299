"""Judge a view before anything is decided on it.

A single pure function makes the heightmap on which decisions are based, or raises an error that says why this frame
cannot give one. Within a job, each view is compared with the first and with the previous one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.datatypes import Heightmap, RgbdFrame
from impurity_grasp_ros.perception.bend import Level, fit_bend
from impurity_grasp_ros.perception.coverage import CoverageConfig, check_readings, check_seen
from impurity_grasp_ros.perception.exposure import (
    ExposureConfig,
    Light,
    check_brightness,
    check_light,
    check_saturation,
    light_of,
)
from impurity_grasp_ros.perception.heightmap import ProjectionConfig, check, project
from impurity_grasp_ros.perception.intrusion import (
    IntrusionConfig,
    check_growth,
    check_intrusion,
    rising,
    volume,
)
from impurity_grasp_ros.perception.ortho import with_fine_color
from impurity_grasp_ros.perception.samples import Samples, Site, over_bin, sample
from impurity_grasp_ros.perception.stillness import Landmarks, StillnessConfig, check_still, landmarks_of
from impurity_grasp_ros.perception.table import TableConfig, TablePlane, correction, fit_table


@dataclass(frozen=True)
class ViewConfig:
    """What a view must be like for the robot to act on it."""

    table: TableConfig
    exposure: ExposureConfig
    coverage: CoverageConfig
    intrusion: IntrusionConfig
    stillness: StillnessConfig
    surround: float = parameter("m; width of the strip around the workspace that is judged too", low=0.0, high=0.5)


@dataclass(frozen=True, eq=False)
class ReferenceView:
    """What is remembered of a job's views.

    Attributes:
        table: The plane of the table in the first view.
        light: The table's colors in the first view.
        landmarks: The corners in the latest view.
        volume: Volume in m3 of the objects in the latest view.
    """

    table: TablePlane
    light: Light
    landmarks: Landmarks
    volume: float


def look(
    frame: RgbdFrame, site: Site, projection: ProjectionConfig, config: ViewConfig, before: ReferenceView | None
) -> tuple[Heightmap, ReferenceView]:
    """Judge a frame and make the heightmap on which decisions may be based.

    Small errors of the table's plane, and its bends, are corrected; within the neutral band nothing is changed.

    Args:
        frame: The camera's frame.
        site: The workspace and its surroundings.
        projection: Which readings belong to the scene.
        config: What a view must be like.
        before: What :func:`look` returned for the previous view of the job; None for its first view.

    Returns:
        The heightmap, and what to compare the next view of the job with.

    Raises:
        InvalidFrameError: The frame is malformed.
        EmptyCloudError: There are hardly any depth readings.
        BadExposureError: The view is too dark or too bright, or the light has changed since the job began.
        ViewBlockedError: Something other than objects is in view.
        ViewIncompleteError: Part of the workspace, or too much of the table, was not seen.
        CameraMovedError: The camera has moved since the job began.
        TableMovedError: The table is not where the calibration says.
    """
    check(frame)
    samples = sample(frame, site.grid, config.surround)
    check_brightness(samples, config.exposure)
    plane = fit_table(samples, site.grid.middle, config.table)
    bent = None if plane is None else fit_bend(samples, plane, site.grid, config.surround, config.table)
    now = _judge(samples, plane, bent, frame, site, projection, config)
    if before is not None:
        check_light(now.light, before.light, config.exposure)
    table = correction(plane, before.table if before else None, config.table)
    if before is not None:
        check_still(now.landmarks, before.landmarks, config.stillness)
        check_growth(now.volume, before.volume, config.intrusion)
        now = ReferenceView(before.table, before.light, now.landmarks, now.volume)
    surface = bent or table
    heightmap = project(frame, site.grid, projection, surface)
    check_seen(heightmap, config.coverage)
    return with_fine_color(frame, heightmap, surface), now


def _judge(
    samples: Samples,
    plane: TablePlane | None,
    bent: Level | None,
    frame: RgbdFrame,
    site: Site,
    projection: ProjectionConfig,
    config: ViewConfig,
) -> ReferenceView:
    """Judge a frame by itself; without a fitted plane, the calibrated one is used."""
    level = plane or TablePlane(site.grid.middle)
    height = (bent or level).above(samples.x, samples.y, samples.z)
    height[~samples.read] = 0.0
    bin_pixels = over_bin(samples, height, site.drop_bin)
    objects = rising(samples, height, bin_pixels, config.intrusion)
    check_intrusion(samples, height, objects, site.transit_height, config.intrusion)
    check_readings(frame, site.grid, config.coverage, projection.min_points)
    check_saturation(samples, objects, config.exposure)
    on_table = samples.read & (np.abs(height) < config.intrusion.min_height)
    things = samples.read & (height > config.intrusion.min_height)
    return ReferenceView(
        level, light_of(samples, on_table), landmarks_of(samples, things), volume(samples, height, objects)
    )
