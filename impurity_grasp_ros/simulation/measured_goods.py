"""Assortments on which perception is measured. They use none of the patterns and shapes of the training."""

from __future__ import annotations

import colorsys
from dataclasses import replace

import numpy as np

from impurity_grasp_ros.simulation.assortments import Assortment, Good
from impurity_grasp_ros.simulation.materials import Color, Material, matched
from impurity_grasp_ros.simulation.shapes import Form

PRINTS = ("bars", "dots", "chevron", "brick", "woven")
TEXTURES = ("cells", "cracks", "sediment", "rings", "scales")
BOX_TEXTURES = (*TEXTURES, "chevron", "dots")

SHAPES = ("rock", "plate", "pebble", "mushroom", "bottle", "lemon", "star", "box")

ALIKE: tuple[frozenset[str], ...] = (
    frozenset({"rock", "plate"}),
    frozenset({"pebble", "lemon", "mushroom"}),
    frozenset({"rock", "pebble"}),
    frozenset({"sediment", "rings", "chevron"}),
    frozenset({"cracks", "scales"}),
)
"""Shapes or textures that are hard to tell apart in some poses, so that they do not make the only difference."""


def coal_slate(rng: np.random.Generator) -> Assortment:
    """Lumps of coal, and plates of layered slate that are 1.4 to 2 times as bright."""
    gray, ratio = rng.uniform(0.16, 0.22), rng.uniform(1.4, 2.0)
    coal = Material("cells", (_gray(gray * 0.8), _gray(gray * 1.2)), 0.004, 1.0, 0.25, 0.02, 0.35)
    layers = _gray(gray * ratio * 0.75, -0.015), _gray(gray * ratio * 1.25, 0.02)
    slate = Material("sediment", layers, 0.006, 1.0, 0.2, 0.02)
    return Assortment((Good("coal", Form("rock", 0.045, 0, 0.2), coal),), (Good("slate", Form("plate", 0.046), slate),))


def mushroom_stone(rng: np.random.Generator) -> Assortment:
    """Mushrooms, pale or brown, and gray pebbles."""
    brown = rng.random() < 0.4
    light: Color = (0.72, 0.55, 0.38) if brown else (0.95, 0.90, 0.80)
    dark: Color = (0.48, 0.32, 0.20) if brown else (0.80, 0.71, 0.58)
    flesh = Material("scales", (light, dark), 0.009, 0.5, 0.08, 0.015)
    gray = rng.uniform(0.42, 0.58)
    grains = (_gray(gray * 0.7, -0.03), _gray(gray, -0.01), _gray(gray * 1.3, 0.0))
    stone = Material("cells", grains, 0.0035, 0.9, 0.2, 0.03)
    mushroom = Good("mushroom", Form("mushroom", 0.046, 0, 0.2), flesh)
    return Assortment((mushroom,), (Good("stone", Form("pebble", 0.042, 0, 0.15), stone),))


def printed(rng: np.random.Generator) -> Assortment:
    """Boxes with a print; the odd ones have another print, one other color, or only one of the print's colors."""
    form = Form("box", rng.uniform(0.040, 0.048), int(rng.integers(2**31)), 0.04)
    colors = _distinct_colors(rng, 4)
    count = int(rng.integers(2, 4))
    print_ = Material(_one_of(PRINTS, rng), colors[:count], rng.uniform(0.007, 0.010), 1.0, 0.05, 0.01)
    print_ = replace(print_, variant=rng.random())
    match int(rng.integers(3)):
        case 0:
            others = tuple(name for name in PRINTS if name != print_.pattern)
            odd = replace(print_, pattern=_one_of(others, rng), variant=rng.random())
        case 1:
            odd = replace(print_, colors=(*colors[: count - 1], colors[3]))
        case _:
            odd = replace(print_, pattern="plain", colors=(colors[rng.integers(count)],))
    return Assortment((Good("box", form, print_),), (Good("other_box", form, odd),))


def texture(rng: np.random.Generator) -> Assortment:
    """The same shapes in two textures of equal mean color and contrast."""
    maker = _one_of(("box", "box", "pebble", "rock", "lemon"), rng)
    names = BOX_TEXTURES if maker == "box" else TEXTURES
    first = _one_of(names, rng)
    second = _one_of(_unlike(first, names), rng)
    form = Form(maker, rng.uniform(0.044, 0.050), int(rng.integers(2**31)), 0.08)
    hue, saturation, value = rng.random(), rng.uniform(0.0, 0.5), rng.uniform(0.4, 0.6)
    mean = colorsys.hsv_to_rgb(hue, saturation, value)
    strength = rng.uniform(0.3, 0.4)
    spread: Color = (mean[0] * strength, mean[1] * strength, mean[2] * strength)
    scale = rng.uniform(0.007, 0.009)
    ordinary, odd = (replace(matched(pattern, mean, spread, scale), brightness=0.08) for pattern in (first, second))
    return Assortment((Good(first, form, ordinary),), (Good(second, form, odd),))


def shape(rng: np.random.Generator) -> Assortment:
    """One material in two shapes, or in one shape and two clearly different sizes."""
    material = _goods_material(rng)
    maker, seed = _one_of(SHAPES, rng), int(rng.integers(2**31))
    if rng.random() < 0.3:
        small, large = Form(maker, 0.030, seed, 0.06), Form(maker, 0.052, seed, 0.06)
        ordinary, odd = (small, large) if rng.random() < 0.5 else (large, small)
    else:
        size = rng.uniform(0.040, 0.048)
        ordinary, odd = Form(maker, size, seed), Form(_one_of(_unlike(maker, SHAPES), rng), size, seed)
    return Assortment((Good("ordinary", ordinary, material),), (Good("odd", odd, material),))


def assorted(rng: np.random.Generator) -> Assortment:
    """Three ordinary kinds, and an odd one; each differs from the others in shape, pattern and colors."""
    colors, makers = _distinct_colors(rng, 4), rng.permutation(SHAPES)
    patterns = rng.permutation(sorted({*PRINTS, *TEXTURES, "plain"}))
    kinds = []
    for name, color, maker, pattern in zip(("first", "second", "third", "odd"), colors, makers, patterns, strict=False):
        pair = color, _shaded(color, rng.uniform(0.45, 0.7))
        material = Material(str(pattern), pair, rng.uniform(0.006, 0.010), 1.0, 0.08, 0.02, 0.0, rng.random())
        kinds.append(Good(name, Form(str(maker), rng.uniform(0.038, 0.048), int(rng.integers(2**31))), material))
    return Assortment(tuple(kinds[:3]), (kinds[3],))


def _goods_material(rng: np.random.Generator) -> Material:
    color = _distinct_colors(rng, 1)[0]
    pattern = _one_of((*TEXTURES, "plain"), rng)
    shades = color, _shaded(color, rng.uniform(0.5, 0.75))
    return Material(pattern, shades, rng.uniform(0.006, 0.010), 1.0, 0.1, 0.02, 0.0, rng.random())


def _distinct_colors(rng: np.random.Generator, count: int) -> tuple[Color, ...]:
    """Colors with hues spread around the circle, some of them pale, dark or gray."""
    hues = (rng.random() + rng.permutation(count) / count + rng.uniform(-0.04, 0.04, count)) % 1.0
    saturations = rng.choice([0.15, 0.45, 0.75, 0.85], count)
    values = rng.permutation(np.linspace(0.35, 0.92, count)) if count > 1 else rng.uniform(0.4, 0.9, 1)
    return tuple(colorsys.hsv_to_rgb(*channels) for channels in zip(hues, saturations, values, strict=True))


def _one_of(names: tuple[str, ...], rng: np.random.Generator) -> str:
    return names[rng.integers(len(names))]


def _unlike(name: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The names that are easy to tell from one of them."""
    alike = frozenset({name}).union(*(group for group in ALIKE if name in group))
    return tuple(other for other in names if other not in alike)


def _shaded(color: Color, factor: float) -> Color:
    r, g, b = color
    return r * factor, g * factor, b * factor


def _gray(value: float, blue: float = 0.0) -> Color:
    return value - blue / 2, value, value + blue
