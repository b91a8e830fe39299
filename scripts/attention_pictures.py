#!/usr/bin/env python3
"""Draw how mode ``objects`` works, in five pictures of one view: docs/images/attention_1.png to attention_5.png.

source scripts/bootstrap.sh simulation
python scripts/attention_pictures.py                                     # a seed that is used for nothing else
python scripts/attention_pictures.py --scene printed --seed 901 --output /tmp/pictures
python scripts/attention_pictures.py --training runs/train_attention    # only the curves: attention_training.png
"""

from __future__ import annotations

import argparse
import io
import json
from contextlib import closing
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch.nn import functional

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import Heightmap
from impurity_grasp_ros.evaluation.removals import views
from impurity_grasp_ros.files import write_atomically
from impurity_grasp_ros.perception.attention import AttentionConfig
from impurity_grasp_ros.perception.heightmap import ProjectionConfig
from impurity_grasp_ros.perception.object_network import ObjectNetwork
from impurity_grasp_ros.perception.object_surroundings import SURROUNDINGS
from impurity_grasp_ros.perception.occlusion import object_cells
from impurity_grasp_ros.perception.odd_objects import Description, describe, feature_maps, network_of
from impurity_grasp_ros.perception.oddness import probabilities
from impurity_grasp_ros.perception.ortho import FINE_FACTOR
from impurity_grasp_ros.simulation.environment import Environment
from impurity_grasp_ros.training_progress import PROGRESS

HEIGHT = 3.2
"""Inches of one panel."""

MARGIN = 6
"""Cells around the objects that are shown."""

ODD_COLOR, ORDINARY_COLOR = "#d55e00", "#0072b2"

Rows = tuple[slice, slice]


def main() -> None:
    """Make one view, and draw what the network makes of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scene", default="coal_slate")
    parser.add_argument("--seed", type=int, default=900)
    parser.add_argument("--output", type=Path, default=Path("docs/images"))
    parser.add_argument("--training", type=Path, help="folder of a training whose curves are drawn instead")
    options = parser.parse_args()
    if options.training is not None:
        save(curves(options.training), options.output / "attention_training.png")
        return
    config = packaged_parameters("attention_node", AttentionConfig)
    heightmap = view(options.scene, options.seed)
    network = network_of(config.objects)
    objects = object_cells(heightmap, config.occlusion)
    found = describe(network, heightmap, objects, config.objects.segmentation)
    odd = probabilities(network, found.vectors, None)
    figures = (
        seen(heightmap, objects),
        outlines(network, heightmap, objects),
        segments(heightmap, found),
        kinds(found),
        judged(heightmap, found, odd, config.objects.oddness.min_probability),
    )
    for number, figure in enumerate(figures, 1):
        save(figure, options.output / f"attention_{number}.png")


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG; the same figure gives the same bytes."""
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=110, metadata={"Software": None})
    write_atomically(path, data.getvalue())


def view(scene: str, seed: int) -> Heightmap:
    """The first view of a scene, with its fine color."""
    with closing(Environment()) as environment:
        environment.reset(seed, scene)
        (first,) = views(environment, [], packaged_parameters("heightmap_node", ProjectionConfig, "projection"))
    return first.heightmap


def seen(heightmap: Heightmap, objects: NDArray[np.bool_]) -> Figure:
    """1: color at 1 mm and heights at 2 mm."""
    figure, (left, right) = panels(2)
    box = around(objects)
    left.imshow(fine(heightmap, box))
    left.set_title("color, 1 mm per pixel")
    image = right.imshow(heightmap.height[box] * 1000, cmap="viridis", vmin=0)
    right.set_title("height above the table, mm")
    figure.colorbar(image, ax=right, shrink=0.8)
    return figure


def outlines(network: ObjectNetwork, heightmap: Heightmap, objects: NDArray[np.bool_]) -> Figure:
    """2: what the network says of each cell."""
    figure, axes = panels(2)
    box = around(objects)
    maps = torch.sigmoid(feature_maps(network, heightmap).outline[0]).numpy()
    for axis, values, title in zip(axes, maps, ("on the border of an object", "far inside of an object"), strict=True):
        image = axis.imshow(values[box], cmap="magma", vmin=0, vmax=1)
        axis.set_title(title)
    figure.colorbar(image, ax=axes, shrink=0.8, label="probability")
    return figure


def segments(heightmap: Heightmap, found: Description) -> Figure:
    """3: the objects, numbered."""
    figure, (axis,) = panels(1)
    box = around(found.labels >= 0)
    axis.imshow(fine(heightmap, box))
    for index in range(len(found.vectors)):
        outline(axis, found.labels[box] == index, "#f0e442")
        write(axis, found.labels[box] == index, str(index + 1))
    axis.set_title(f"{len(found.vectors)} objects")
    return figure


def kinds(found: Description) -> Figure:
    """4: how alike the objects are."""
    figure, (axis,) = panels(1)
    directions = functional.normalize(torch.from_numpy(found.vectors[:, :-SURROUNDINGS]), dim=1)
    numbers = [str(index + 1) for index in range(len(found.vectors))]
    image = axis.imshow((directions @ directions.T).numpy(), cmap="RdBu", vmin=-1, vmax=1)
    axis.set_xticks(range(len(numbers)), numbers, fontsize=7)
    axis.set_yticks(range(len(numbers)), numbers, fontsize=7)
    axis.set_title("similarity of objects (cosine)")
    figure.colorbar(image, ax=axis, shrink=0.8)
    return figure


def judged(heightmap: Heightmap, found: Description, odd: NDArray[np.float32], threshold: float) -> Figure:
    """5: the probability of each object to be odd."""
    figure, (axis,) = panels(1)
    box = around(found.labels >= 0)
    axis.imshow(fine(heightmap, box) // 2 + 100)
    for index, value in enumerate(odd):
        color = ODD_COLOR if value >= threshold else ORDINARY_COLOR
        outline(axis, found.labels[box] == index, color)
        write(axis, found.labels[box] == index, f"{100 * value:.0f}", color)
    axis.set_title("probability of being odd, %")
    return figure


def curves(training: Path) -> Figure:
    """Losses and success over the rounds of a training."""
    rounds = [json.loads(line) for line in (training / PROGRESS).read_text().splitlines()]
    numbers = [item["round"] for item in rounds]
    figure = Figure(figsize=(2.5 * HEIGHT, HEIGHT), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, color in (("outline", ORDINARY_COLOR), ("odd", ODD_COLOR), ("kind", "#009e73")):
        left.plot(numbers, [item[name] / rounds[0][name] for item in rounds], color=color, label=name)
    left.set_title("losses, relative to the first round")
    left.legend(frameon=False)
    right.plot(numbers, [100 * item["found"] for item in rounds], color=ODD_COLOR)
    right.set_title("views in which the oddest object is odd, %")
    for axis in (left, right):
        axis.set_xlabel("round")
        axis.set_ylim(bottom=0)
    right.set_ylim(top=100)
    return figure


def panels(count: int) -> tuple[Figure, list[Axes]]:
    """An empty figure with panels side by side."""
    figure = Figure(figsize=(1.25 * HEIGHT * count, HEIGHT), layout="constrained")
    axes = list(figure.subplots(1, count, squeeze=False)[0])
    for axis in axes:
        axis.set_xticks([])
        axis.set_yticks([])
    return figure, axes


def around(cells: NDArray[np.bool_]) -> Rows:
    """The part of a view that contains all of these cells."""
    places = np.argwhere(cells)
    low, high = places.min(axis=0) - MARGIN, places.max(axis=0) + MARGIN + 1
    return np.s_[max(low[0], 0) : high[0], max(low[1], 0) : high[1]]


def fine(heightmap: Heightmap, box: Rows) -> NDArray[np.uint8]:
    """Fine color of a part of the view."""
    assert heightmap.fine_color is not None
    rows, columns = (slice(FINE_FACTOR * side.start, FINE_FACTOR * side.stop) for side in box)
    return heightmap.fine_color[rows, columns]


def outline(axis: Axes, mask: NDArray[np.bool_], color: str) -> None:
    """Draw the border of an object on a fine image."""
    rows, columns = (FINE_FACTOR * (np.arange(size) + 0.5) - 0.5 for size in mask.shape)
    axis.contour(columns, rows, mask, levels=[0.5], colors=color, linewidths=1.2)


def write(axis: Axes, mask: NDArray[np.bool_], text: str, color: str = "black") -> None:
    """Write on the middle of an object."""
    row, column = FINE_FACTOR * (np.median(np.argwhere(mask), axis=0) + 0.5) - 0.5
    frame = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
    axis.text(column, row, text, color=color, fontsize=7, ha="center", va="center", bbox=frame)


if __name__ == "__main__":
    main()
