#!/usr/bin/env python3
"""Draw how many hidden objects are expected where, in three scenes: docs/images/hidden.png.

source scripts/bootstrap.sh simulation
python scripts/hidden_picture.py                            # a seed that is used for nothing else
python scripts/hidden_picture.py --seed 901 --output /tmp/hidden.png
"""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.evaluation.removals import views
from impurity_grasp_ros.files import write_atomically
from impurity_grasp_ros.overlay import draw_attention, side_by_side, to_png
from impurity_grasp_ros.perception.attention import AttentionConfig, attend
from impurity_grasp_ros.perception.heightmap import ProjectionConfig
from impurity_grasp_ros.simulation.environment import Environment

SCENES = ("invisible", "stacks", "large")


def main() -> None:
    """Draw the pictures side by side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=900)
    parser.add_argument("--output", type=Path, default=Path("docs/images/hidden.png"))
    options = parser.parse_args()
    projection = packaged_parameters("heightmap_node", ProjectionConfig, "projection")
    config = packaged_parameters("attention_node", AttentionConfig)
    pictures = {}
    with closing(Environment()) as environment:
        for scene in SCENES:
            environment.reset(options.seed, scene)
            view = next(iter(views(environment, [], projection)))
            attention, _ = attend(view.heightmap, None, config)
            pictures[f"{scene}: {attention.state.name}"] = draw_attention(view.heightmap, attention)
    write_atomically(options.output, to_png(side_by_side(pictures, "Expected number of hidden objects in each group")))


if __name__ == "__main__":
    main()
