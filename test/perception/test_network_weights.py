"""Files of the weights of the networks of perception."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from tiny_objects import ORIGIN, SIZES, tiny_network, write_tiny

from impurity_grasp_ros.errors import CheckpointError
from impurity_grasp_ros.perception.network_weights import (
    NetworkWeights,
    identity,
    load_object_network,
    read_network_weights,
    write_network_weights,
)

KEY = "object_network"
IN_METADATA = "expected training and one of object_network, hidden_network in the metadata"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_tiny(tmp_path / "attention.safetensors", seed=3)


def content(seed: int = 3) -> NetworkWeights:
    tensors = {name: tensor.contiguous() for name, tensor in tiny_network(seed).state_dict().items()}
    return NetworkWeights(SIZES, tensors, ORIGIN)


def test_weights_survive_their_file_bit_for_bit(path: Path) -> None:
    found, written = read_network_weights(path), content()
    assert (found.config, found.training) == (SIZES, ORIGIN)
    assert set(found.tensors) == set(written.tensors)
    for name, tensor in written.tensors.items():
        torch.testing.assert_close(found.tensors[name], tensor, rtol=0, atol=0)


def test_a_network_that_was_loaded_judges_like_the_one_that_was_written(path: Path) -> None:
    loaded = load_object_network(path)
    assert not loaded.training
    vectors, roles = torch.randn(1, 5, loaded.vector), torch.tensor([[0, 0, 0, 1, 2]])
    with torch.inference_mode():
        torch.testing.assert_close(loaded.judge(vectors, roles), tiny_network(3).judge(vectors, roles))
    assert load_object_network(path) is loaded


def test_the_identity_is_that_of_the_weights_alone(path: Path, tmp_path: Path) -> None:
    name = identity(load_object_network(path))
    assert re.fullmatch("[0-9a-f]{12}", name)
    assert identity(tiny_network(3)) == name
    assert identity(load_object_network(write_tiny(tmp_path / "other.safetensors", seed=3))) == name
    changed = tiny_network(3)
    with torch.no_grad():
        changed.outline.bias[0] += 1e-3
    assert identity(changed) != name
    assert identity(tiny_network(4)) != name


TINY = {"fine": 4, "middle": 6, "coarse": 8, "aspects": 1, "aspect": 12, "compare": 12}


def metadata(config: Any = None, training: Any = None) -> dict[str, str]:
    sizes = TINY
    origin = {"preset": "tiny", "commit": "0", "seed": 1, "rounds": 2}
    return {KEY: json.dumps(config or sizes), "training": json.dumps(training or origin)}


@pytest.mark.parametrize(
    ("meta", "said"),
    [
        ({"format": "pt"}, rf"{IN_METADATA}, found \['format'\]"),
        ({KEY: "{}"}, IN_METADATA),
        ({**metadata(), "hidden_network": "{}"}, IN_METADATA),
        (metadata(config={"fine": 4}), "middle: missing"),
        (metadata(config=TINY | {"aspect": 16}), "size mismatch"),
        (
            metadata(config=TINY | {"fine": 400}),
            r"fine: expected a value in \[4, 128\]",
        ),
        (metadata(training={"preset": "a"}), "commit: missing"),
        ({**metadata(), KEY: "no JSON"}, "expected weights that fit their configuration"),
        ({**metadata(), KEY: "[" * 100_000}, "expected weights that fit their configuration"),
        ({**metadata(), "training": "3"}, "expected"),
    ],
)
def test_metadata_that_do_not_fit_are_refused_by_name(tmp_path: Path, meta: dict[str, str], said: str) -> None:
    path = tmp_path / "weights.safetensors"
    save_file(dict(content().tensors), path, meta)
    with pytest.raises(CheckpointError, match=rf"(?s)weights\.safetensors: .*{said}"):
        read_network_weights(path)


def test_missing_further_and_infinite_tensors_are_refused_by_name(tmp_path: Path) -> None:
    whole = content()
    for name, tensors, said in (
        ("lacking", {key: value for key, value in whole.tensors.items() if key != "outline.bias"}, "outline.bias"),
        ("further", {**whole.tensors, "more": torch.zeros(1)}, "more"),
        ("infinite", {**whole.tensors, "outline.bias": torch.tensor([0.0, torch.inf])}, "finite weights.*outline.bias"),
    ):
        path = tmp_path / f"{name}.safetensors"
        write_network_weights(path, replace(whole, tensors=tensors))
        with pytest.raises(CheckpointError, match=rf"(?s){name}\.safetensors: .*{said}"):
            load_object_network(path)


@pytest.mark.parametrize("damage", ["missing", "empty", "short", "noise"])
def test_a_damaged_file_is_refused_by_name(path: Path, damage: str) -> None:
    whole = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes({"empty": b"", "short": whole[:-9], "noise": b"not weights"}[damage])
    with pytest.raises(CheckpointError, match=r"attention\.safetensors: expected"):
        load_object_network(path)


def test_a_failure_leaves_the_former_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_network_weights(path, content(4))
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
