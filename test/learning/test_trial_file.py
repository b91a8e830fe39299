"""Tried actions are read as they were written."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from drawn_trials import drawn_scenes

from impurity_grasp_ros.errors import CheckpointError
from impurity_grasp_ros.learning.trial_file import read_trials, write_trials


def test_trials_are_read_as_they_were_written(tmp_path: Path) -> None:
    scenes = drawn_scenes(3, np.random.default_rng(1))
    write_trials(tmp_path / "trials.npz", scenes, "abc")
    again = read_trials(tmp_path / "trials.npz", "abc")
    assert [[state.trials for state in scene] for scene in again] == [[s.trials for s in scene] for scene in scenes]
    for first, second in zip(chain(*scenes), chain(*again), strict=True):
        np.testing.assert_array_equal(first.focus.mask, second.focus.mask)
        np.testing.assert_array_equal(first.focus.crop.color, second.focus.crop.color)
        np.testing.assert_array_equal(first.focus.crop.valid, second.focus.crop.valid)
        np.testing.assert_allclose(first.focus.crop.height, second.focus.crop.height, atol=1.3e-4)
        assert first.focus.crop.grid == second.focus.crop.grid
        assert first.focus.on_target == second.focus.on_target


def test_scenes_without_states_are_read(tmp_path: Path) -> None:
    write_trials(tmp_path / "trials.npz", [[], []], "abc")
    assert list(chain(*read_trials(tmp_path / "trials.npz", "abc"))) == []


def test_trials_of_another_configuration_and_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "trials.npz"
    with pytest.raises(CheckpointError, match="expected a file of tried actions"):
        read_trials(path, "abc")
    write_trials(path, drawn_scenes(1, np.random.default_rng(1)), "abc")
    with pytest.raises(CheckpointError, match="expected trials of configuration abd, received abc"):
        read_trials(path, "abd")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(CheckpointError, match="expected a file of tried actions"):
        read_trials(path, "abc")
    np.savez(path, scene=np.zeros(3))
    with pytest.raises(CheckpointError, match="expected a file of tried actions"):
        read_trials(path, "abc")
