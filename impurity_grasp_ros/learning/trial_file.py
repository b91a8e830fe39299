"""Files of tried actions: what a training has collected, so that it can be resumed without trying everything again."""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.datatypes import Grid, Heightmap, Primitive, PrimitiveKind
from impurity_grasp_ros.errors import CheckpointError
from impurity_grasp_ros.files import write_atomically
from impurity_grasp_ros.learning.transition import HEIGHT_STEP, Focus
from impurity_grasp_ros.learning.trials import Trial, TriedState
from impurity_grasp_ros.policy.judge_network import Proposal

Scenes = list[list[TriedState]]
"""The states of some scenes."""


def write_trials(path: Path, scenes: Scenes, configuration: str) -> None:
    """Write what was tried in some scenes, atomically.

    Args:
        path: The file.
        scenes: Their states.
        configuration: Hash of the configuration that they depend on.
    """
    states = [state for scene in scenes for state in scene]
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        configuration=np.array(configuration),
        scene=np.array([index for index, scene in enumerate(scenes) for _ in scene], np.int32),
        color=np.array([state.focus.crop.color for state in states], np.uint8),
        height=np.array([np.round(state.focus.crop.height / HEIGHT_STEP) for state in states], np.uint16),
        valid=np.array([state.focus.crop.valid for state in states], np.bool_),
        mask=np.array([state.focus.mask for state in states], np.bool_),
        on_target=np.array([state.focus.on_target for state in states], np.bool_),
        corner=np.array([(state.focus.crop.grid.x_min, state.focus.crop.grid.y_min) for state in states], np.float64),
        resolution=np.array([state.focus.crop.grid.resolution for state in states], np.float64),
        state=np.array([index for index, state in enumerate(states) for _ in state.trials], np.int32),
        trial=np.array([_numbers(trial) for state in states for trial in state.trials], np.float64).reshape(-1, 10),
    )
    write_atomically(path, buffer.getvalue())


def read_trials(path: Path, configuration: str) -> Scenes:
    """Read a file of :func:`write_trials`.

    Args:
        path: The file.
        configuration: Hash that it has to hold.

    Raises:
        CheckpointError: The file is not valid, or belongs to another configuration.
    """
    try:
        with np.load(path, allow_pickle=False) as data:
            arrays = {name: data[name] for name in data.files}
        found = str(arrays["configuration"])
        scenes = _scenes(arrays)
    except (OSError, ValueError, KeyError, IndexError, BadZipFile, zlib.error) as error:
        raise CheckpointError(f"{path}: expected a file of tried actions: {error!r}") from error
    if found != configuration:
        raise CheckpointError(f"{path}: expected trials of configuration {configuration}, received {found}")
    return scenes


def _scenes(arrays: dict[str, NDArray[np.generic]]) -> Scenes:
    scenes: Scenes = [[] for _ in range(int(arrays["scene"].max(initial=-1)) + 1)]
    for index, scene in enumerate(arrays["scene"]):
        x, y = (float(value) for value in arrays["corner"][index])
        color, mask = arrays["color"][index], arrays["mask"][index]
        grid = Grid(x, y, color.shape[0], color.shape[1], float(arrays["resolution"][index]))
        height = arrays["height"][index].astype(np.float32) * np.float32(HEIGHT_STEP)
        crop = Heightmap(color, height, arrays["valid"][index], grid)
        trials = [_trial(row) for row in arrays["trial"][arrays["state"] == index]]
        scenes[scene].append(TriedState(Focus(crop, mask, bool(arrays["on_target"][index])), tuple(trials)))
    return scenes


def _numbers(trial: Trial) -> Sequence[float]:
    primitive = trial.proposal.primitive
    return (
        primitive.kind, *primitive.position, primitive.angle, primitive.length, primitive.opening, primitive.q_value,
        trial.proposal.misfit, trial.success + 2 * trial.company,
    )  # fmt: skip


def _trial(row: NDArray[np.float64]) -> Trial:
    kind, x, y, z, angle, length, opening, q_value, misfit, outcome = (float(value) for value in row)
    primitive = Primitive(PrimitiveKind(int(kind)), (x, y, z), angle, length, opening, q_value)
    return Trial(Proposal(primitive, misfit), bool(int(outcome) % 2), int(outcome) // 2)
