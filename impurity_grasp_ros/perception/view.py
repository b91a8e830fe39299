"""The judgement of a view: what it can be trusted with, before anything is decided upon it.

One pure function makes the heightmap that decisions rest on, or says by name why this frame cannot give one. Within a
job, views are compared with the first one and with the one before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.datatypes import Heightmap, RgbdFrame
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
from impurity_grasp_ros.perception.samples import Samples, Site, over_bin, sample
from impurity_grasp_ros.perception.stillness import Landmarks, StillnessConfig, check_still, landmarks_of
from impurity_grasp_ros.perception.table import TableConfig, TablePlane, correction, fit_table


@dataclass(frozen=True)
class ViewConfig:
    """What a view must be like to be acted upon."""

    table: TableConfig
    exposure: ExposureConfig
    coverage: CoverageConfig
    intrusion: IntrusionConfig
    stillness: StillnessConfig
    surround: float = parameter("m around the workspace that are judged with it", low=0.0, high=0.5)


@dataclass(frozen=True, eq=False)
class View:
    """What is remembered of a job's views. table, light: of the first one. landmarks, volume: of the last one."""

    table: TablePlane
    light: Light
    landmarks: Landmarks
    volume: float


def look(
    frame: RgbdFrame, site: Site, projection: ProjectionConfig, config: ViewConfig, before: View | None
) -> tuple[Heightmap, View]:
    """Judge a frame and make the heightmap that decisions may rest on.

    Small errors of the table's plane are corrected; within the neutral band nothing is changed.

    Args:
        frame: as the camera delivered it.
        site: the workspace and what surrounds it.
        projection: which readings make up the scene.
        config: what a view must be like.
        before: what :func:`look` returned for the job's view before; None for a job's first view.

    Returns:
        The heightmap, and what the next view of the job is to be compared with.

    Raises:
        InvalidFrameError: the frame is malformed.
        EmptyCloudError: there are hardly any depth readings.
        BadExposureError: too dark, too bright, or lit otherwise than when the job began.
        ViewBlockedError: something is in view that is no object.
        ViewIncompleteError: a part of the workspace, or the table, was not seen.
        CameraMovedError: the camera does not look from where it did when the job began.
        TableMovedError: the table is not where the calibration says.
    """
    check(frame)
    samples = sample(frame, site.grid, config.surround)
    check_brightness(samples, config.exposure)
    plane = fit_table(samples, site.grid.middle, config.table)
    now = _judge(samples, plane, frame, site, projection, config)
    if before is not None:
        check_light(now.light, before.light, config.exposure)
    table = correction(plane, before.table if before else None, config.table)
    if before is not None:
        check_still(now.landmarks, before.landmarks, config.stillness)
        check_growth(now.volume, before.volume, config.intrusion)
        now = View(before.table, before.light, now.landmarks, now.volume)
    heightmap = project(frame, site.grid, projection, table)
    check_seen(heightmap, config.coverage)
    return heightmap, now


def _judge(
    samples: Samples,
    plane: TablePlane | None,
    frame: RgbdFrame,
    site: Site,
    projection: ProjectionConfig,
    config: ViewConfig,
) -> View:
    """All that one frame says by itself; without a fitted plane the calibrated one stands in."""
    level = plane or TablePlane(site.grid.middle)
    height = level.above(samples.x, samples.y, samples.z)
    height[~samples.read] = 0.0
    bin_pixels = over_bin(samples, height, site.drop_bin)
    objects = rising(samples, height, bin_pixels, config.intrusion)
    check_intrusion(samples, height, objects, site.transit_height, config.intrusion)
    check_readings(frame, site.grid, config.coverage, projection.min_points)
    check_saturation(samples, objects, config.exposure)
    on_table = samples.read & (np.abs(height) < config.intrusion.min_height)
    things = samples.read & (height > config.intrusion.min_height)
    return View(level, light_of(samples, on_table), landmarks_of(samples, things), volume(samples, height, objects))
