"""The animation of the README can be made again, and is what a reader's browser can show."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "docs/images/job.gif"


def frame_times(path: Path) -> list[float]:
    """Seconds that each frame is shown."""
    with Image.open(path) as image:
        assert image.format == "GIF"
        assert image.info["loop"] == 0, "expected it to run forever"
        times = []
        for index in range(image.n_frames):
            image.seek(index)
            times.append(image.info["duration"] / 1000)
    return times


def test_the_shipped_animation_fits_into_the_readme() -> None:
    with Image.open(SHIPPED) as image:
        assert 480 <= image.width <= 640
    assert SHIPPED.stat().st_size < 1.5e6  # as .pre-commit-config.yaml demands
    assert 8 <= sum(frame_times(SHIPPED)) <= 15


def test_the_readme_shows_it_first_and_says_in_words_what_it_shows() -> None:
    images = re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    words, path = images[0]
    assert ROOT / path == SHIPPED
    assert len(words.split()) > 5


@pytest.mark.sim
def test_the_same_options_give_the_same_animation(tmp_path: Path) -> None:
    files = [tmp_path / "first.gif", tmp_path / "second.gif"]
    for file in files:
        words = ["--scene", "examples/own_scene.yaml", "--seed", "0", "--max-actions", "1", "--output", str(file)]
        run = subprocess.run(
            [sys.executable, "scripts/animation.py", *words], cwd=ROOT, capture_output=True, text=True, timeout=240
        )
        assert run.returncode == 0, run.stderr
    times = frame_times(files[0])
    assert len(times) > 10
    assert max(times) > 5 * min(times), "expected decisions to stay longer than motions"
    assert files[0].read_bytes() == files[1].read_bytes()
