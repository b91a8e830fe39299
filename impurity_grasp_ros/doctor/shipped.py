"""Checks of the files that the nodes load: cell, calibration, weights."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.doctor.finding import Finding, fault, ok, warning
from impurity_grasp_ros.errors import CheckpointError, ConfigError

GOOD_ERROR_PX = 1.0
"""Reprojection error up to which a calibration is good; a worse one is refused when it is made."""

OLD_DAYS = 180.0
"""Days after which a calibration should be checked."""

DAY = 86400.0


def check_cell(cell_file: str, is_real: bool) -> Iterator[Finding]:
    """The cell and its camera calibration.

    Args:
        cell_file: The cell; a path, or relative to the package.
        is_real: Whether a real robot is meant, for which the shipped calibration is not.
    """
    try:
        cell = load_cell(cell_file)
        calibration = cell.calibration
    except ConfigError as error:
        yield fault("cell", str(error), "correct the file (docs/hardware.md)")
        return
    yield ok("cell", cell_file)
    pixels, days = (
        calibration.reprojection_error_px,
        (time.time() - Path(cell.camera_calibration).stat().st_mtime) / DAY,
    )
    found = f"reprojection error {pixels:.2f} px, {days:.0f} days old"
    if pixels == 0.0:
        simulated = "a calibration of the simulated camera"
        if is_real:
            yield fault("calibration", f"expected one of this camera, found {simulated}", "impurity-grasp calibrate")
        else:
            yield ok("calibration", simulated)
    elif pixels > GOOD_ERROR_PX:
        yield warning(
            "calibration", f"expected at most {GOOD_ERROR_PX:g} px, found {found}", "impurity-grasp calibrate"
        )
    elif days > OLD_DAYS:
        yield warning("calibration", found, "check it with impurity-grasp touch-test")
    else:
        yield ok("calibration", found)


def check_weights() -> Iterator[Finding]:
    """The weights of policy and attention."""
    from impurity_grasp_ros.perception.attention import AttentionConfig, prepare  # torch takes its time
    from impurity_grasp_ros.policy.actors import PolicyNodeConfig, weights_in_use
    from impurity_grasp_ros.policy.weights_file import read_weights

    cure = "restore the file, or train again (docs/training.md)"
    for name, path in weights_in_use(packaged_parameters("policy_node", PolicyNodeConfig)).items():
        try:
            weights = read_weights(path)
        except CheckpointError as error:
            yield fault(f"weights: {name}", str(error), cure)
            continue
        origin = weights.training
        trained = (
            f"preset {origin.preset}, commit {origin.commit}, seed {origin.seed}" if origin else "of unknown origin"
        )
        yield ok(f"weights: {name}", f"{path.name}: {trained}")
    try:
        prepare(packaged_parameters("attention_node", AttentionConfig))
    except (CheckpointError, ConfigError) as error:
        yield fault("weights: attention", str(error), cure)
    else:
        yield ok("weights: attention", "can be used")
