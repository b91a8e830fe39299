"""Files of ordinary objects that were taught: small, tied to a network, refused by name if they are anything else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.perception.ordinary_model import (
    MAX_OBJECTS,
    farthest_first,
    load_model,
    make_model,
    save_model,
)

SIZE, NETWORK = 12, "0123456789ab"
RNG = np.random.default_rng(0)
GOOD = {"network": NETWORK, "ordinary": [[0.5] * SIZE, [1.0] * SIZE], "odd": [[-1.0] * SIZE]}


def vectors(count: int, size: int = SIZE) -> NDArray[np.float32]:
    return RNG.normal(size=(count, size)).astype(np.float32)


@pytest.mark.parametrize(("ordinary", "odd"), [(5, 2), (1, 0)])
def test_a_model_survives_its_file_to_a_thousandth(tmp_path: Path, ordinary: int, odd: int) -> None:
    model = make_model(vectors(ordinary), vectors(odd))
    save_model(tmp_path / "new" / "goods.json", model, NETWORK)
    loaded = load_model(tmp_path / "new" / "goods.json", NETWORK, SIZE)
    np.testing.assert_allclose(loaded.first, model.first, atol=0.0005001)
    assert loaded.first.dtype == np.float32
    assert loaded.first_odd.tolist() == model.first_odd.tolist() == [False] * ordinary + [True] * odd
    assert loaded.later.shape == (0, SIZE)
    assert loaded.taught


def test_a_model_of_a_hundred_objects_is_a_file_of_some_kilobytes(tmp_path: Path) -> None:
    save_model(tmp_path / "goods.json", make_model(vectors(100, 48), vectors(0, 48)), NETWORK)
    assert (tmp_path / "goods.json").stat().st_size < 30_000
    assert len(load_model(tmp_path / "goods.json", NETWORK, 48).first) == MAX_OBJECTS


def test_a_model_needs_an_ordinary_object() -> None:
    with pytest.raises(ConfigError, match="at least one ordinary object to learn from, received none"):
        make_model(vectors(0), vectors(3))


@given(arrays(np.float32, (9, 3), elements=st.integers(-1000, 1000)), st.integers(1, 12))
def test_of_many_objects_different_ones_are_kept(group: NDArray[np.float32], count: int) -> None:
    chosen = farthest_first(group, count)
    assert sorted(set(chosen.tolist())) == chosen.tolist() or len(np.unique(group, axis=0)) < count
    assert len(chosen) == min(count, 9)
    if 1 < count < 9:
        left = np.linalg.norm(group[:, None] - group[chosen], axis=2).min(axis=1).max()
        apart = np.linalg.norm(group[chosen][:, None] - group[chosen], axis=2)
        assert left <= apart[~np.eye(count, dtype=bool)].min() + 1e-4, "what is left is nearer than the chosen are"


def test_a_rare_object_is_kept_among_many_alike() -> None:
    alike = vectors(300) * np.float32(0.01)
    alike[123] = 5.0
    assert 123 in farthest_first(alike, MAX_OBJECTS)


def test_a_model_of_another_network_is_refused_with_both_names(tmp_path: Path) -> None:
    save_model(tmp_path / "goods.json", make_model(vectors(2), vectors(0)), "ba9876543210")
    with pytest.raises(
        ConfigError, match=r"network 0123456789ab, received one made with 'ba9876543210'.*teach it again"
    ):
        load_model(tmp_path / "goods.json", NETWORK, SIZE)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Expecting value"),
        (b"\xff\xfe", "codec can't decode"),
        (b"[" * 100_000, "recursion"),
        (b'{"network":' + b"1" * 5000 + b"}", "4300 digits"),
        (json.dumps([1, 2]).encode(), r"received \[1, 2\]"),
        (json.dumps({"network": NETWORK, "ordinary": []}).encode(), "received"),
        (b" " * 1_000_001, "at most 1000000 bytes"),
    ],
    ids=["empty", "no text", "nested", "digits", "list", "no odd", "large"],
)
def test_what_is_no_model_is_refused_by_name(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "goods.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=rf"goods\.json: expected a model of ordinary objects.*{said}") as raised:
        load_model(path, NETWORK, SIZE)
    assert len(str(raised.value)) < 1000


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ordinary", []),
        ("ordinary", [[1.0] * (SIZE - 1)]),
        ("odd", [[1.0] * (SIZE + 1)]),
        ("ordinary", [[1.0] * SIZE, [1.0]]),
        ("ordinary", [[]]),
        ("ordinary", [[float("nan")] * SIZE]),
        ("odd", [[float("inf")] * SIZE]),
        ("odd", [[10**400] * SIZE]),
        ("odd", [[1e9] * SIZE]),
        ("ordinary", [["x"] * SIZE]),
        ("ordinary", {"a": 1}),
        ("ordinary", None),
        ("odd", 3),
    ],
)
def test_objects_that_are_not_rows_of_numbers_are_refused_by_name(tmp_path: Path, key: str, value: Any) -> None:
    path = tmp_path / "goods.json"
    path.write_text(json.dumps({**GOOD, key: value}))
    with pytest.raises(ConfigError, match=r"goods\.json: expected a model of ordinary objects: "):
        load_model(path, NETWORK, SIZE)
    path.write_text(json.dumps(GOOD))
    assert len(load_model(path, NETWORK, SIZE).first) == 3


def test_vectors_of_another_size_are_refused_even_if_all_agree(tmp_path: Path) -> None:
    path = tmp_path / "goods.json"
    path.write_text(json.dumps({**GOOD, "ordinary": [[1.0] * 3] * 2, "odd": [[0.0] * 3]}))
    with pytest.raises(ConfigError, match=r"expected rows of 12 numbers, received an array of shape \(2, 3\)"):
        load_model(path, NETWORK, SIZE)


def test_a_missing_file_and_a_folder_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.json: expected a model .*No such file"):
        load_model(tmp_path / "nowhere.json", NETWORK, SIZE)
    with pytest.raises(ConfigError, match="expected a regular file, received a folder"):
        load_model(tmp_path, NETWORK, SIZE)


def test_only_a_model_is_replaced(tmp_path: Path) -> None:
    model, path = make_model(vectors(1), vectors(0)), tmp_path / "goods.json"
    save_model(path, make_model(vectors(3), vectors(0)), "ba9876543210")
    save_model(path, model, NETWORK)
    assert len(load_model(path, NETWORK, SIZE).first) == 1
    for other in (tmp_path / "notes.txt", tmp_path / "link"):
        other.write_text("precious") if other.suffix else other.symlink_to(tmp_path / "nowhere")
        with pytest.raises(ConfigError, match="expected a new file, or a model to replace"):
            save_model(other, model, NETWORK)
    assert (tmp_path / "notes.txt").read_text() == "precious"
    with pytest.raises(ConfigError, match="expected a new file, or a model to replace"):
        save_model(tmp_path, model, NETWORK)


def test_a_failure_leaves_the_former_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "goods.json"
    save_model(path, make_model(vectors(1), vectors(0)), NETWORK)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(ConfigError, match=r"goods\.json: expected a file that can be written: .*No space left"):
        save_model(path, make_model(vectors(2), vectors(0)), NETWORK)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
