"""Where a record came from: a hash of what is shipped, and the checkout's commit."""

from __future__ import annotations

import hashlib
import re
import subprocess
from pathlib import Path

import pytest

from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.evaluation import provenance


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with two files in it."""

    def resource(name: str) -> Path:
        if not (tmp_path / name).exists():
            raise ConfigError(f"expected {name}, found nothing")
        return tmp_path / name

    monkeypatch.setattr(provenance, "resource", resource)
    (tmp_path / "config" / "scenes").mkdir(parents=True)
    (tmp_path / "config" / "b.yaml").write_bytes(b"two")
    (tmp_path / "config" / "scenes" / "a.yaml").write_bytes(b"one")
    return tmp_path


def test_the_hash_is_that_of_names_lengths_and_contents_in_order(shipped: Path) -> None:
    text = b"config/b.yaml\x003\x00two" + b"config/scenes/a.yaml\x003\x00one"
    assert provenance.shipped_files_hash() == hashlib.sha256(text).hexdigest()[:12]
    (shipped / "models").mkdir()
    (shipped / "models" / "net.safetensors").write_bytes(b"0123456789")
    (shipped / "models" / "notes.txt").write_bytes(b"no part of it")
    text += b"models/net.safetensors\x0010\x000123456789"
    assert provenance.shipped_files_hash() == hashlib.sha256(text).hexdigest()[:12]


def test_content_that_moves_to_another_file_is_another_hash(shipped: Path) -> None:
    before = provenance.shipped_files_hash()
    (shipped / "config" / "b.yaml").write_bytes(b"one")
    (shipped / "config" / "scenes" / "a.yaml").write_bytes(b"two")
    assert provenance.shipped_files_hash() != before


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of one commit that holds a package."""
    module = tmp_path / "package" / "evaluation" / "provenance.py"
    module.parent.mkdir(parents=True)
    module.write_text("")
    monkeypatch.setattr(provenance, "__file__", str(module))
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "first")
    return tmp_path


def test_a_clean_checkout_is_named_by_its_commit_and_a_changed_one_by_a_plus(checkout: Path) -> None:
    clean = provenance.commit()
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=checkout, check=True, capture_output=True, text=True)
    assert clean == head.stdout[:12]
    assert re.fullmatch("[0-9a-f]{12}", clean)
    (checkout / "package" / "new.py").write_text("more")
    assert provenance.commit() == f"{clean}+"


def test_outside_a_checkout_the_commit_is_unknown(
    checkout: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "package" / "evaluation" / "provenance.py"
    monkeypatch.setattr(provenance, "__file__", str(elsewhere))
    assert provenance.commit() == "unknown"  # there is no such folder
    elsewhere.parent.mkdir(parents=True)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", "/")
    assert provenance.commit() == "unknown"


def test_without_git_the_commit_is_unknown(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert provenance.commit() == "unknown"
