"""Assortments for training: anything that the training patterns and shapes give, in any combination."""

from __future__ import annotations

import colorsys
from dataclasses import replace

import numpy as np

from impurity_grasp_ros.simulation.assortments import Assortment, Good
from impurity_grasp_ros.simulation.materials import Color, Material, deviation, matched
from impurity_grasp_ros.simulation.patterns import COMMON_PATTERNS, TRAINING_PATTERNS
from impurity_grasp_ros.simulation.shapes import Form
from impurity_grasp_ros.simulation.training_shapes import COMMON_SHAPES, TRAINING_SHAPES

PATTERN_NAMES = (*COMMON_PATTERNS, *TRAINING_PATTERNS)
SHAPE_NAMES = (*COMMON_SHAPES, *TRAINING_SHAPES)
MANIFOLD_SHAPES = ("turned", "compound")
"""Shapes that are drawn more often, since they can have so many proportions and poses."""

MIN_OBJECTS, MAX_OBJECTS = 4, 20

ALIKE_SHAPES: tuple[frozenset[str], ...] = (
    frozenset({"box", "pillow"}),
    frozenset({"prism", "frustum"}),
    frozenset({"prism", "capsule"}),
    frozenset({"chunk", "pillow", "prism"}),
    frozenset({"cross", "tee", "angle", "compound"}),
    frozenset({"turned", "disc", "frustum", "capsule", "dumbbell", "prism"}),
)
"""Shapes that are hard to tell apart in some poses, so that they do not make the only difference."""

VISIBLE = 0.2
"""Least difference of two colors, of 1, whose pattern a person sees."""


def training(rng: np.random.Generator) -> Assortment:
    """One to three ordinary kinds and up to three targets, whose difference is drawn from :data:`DIFFERENCES`."""
    objects = int(rng.integers(MIN_OBJECTS, MAX_OBJECTS + 1))
    targets = draw_targets(objects, rng)
    blocks = objects - targets
    count = min(int(rng.choice([1, 2, 3], p=[0.5, 0.3, 0.2])), blocks // least_pieces(targets))
    kinds = [Good("kind0", _form(rng), _material(rng))]
    for index in range(1, count + 1):
        kinds.append(_another(kinds[int(rng.integers(index))], f"kind{index}", rng))
    return Assortment(tuple(kinds[:count]), (replace(kinds[count], name="odd"),), (targets, blocks))


def draw_targets(objects: int, rng: np.random.Generator) -> int:
    """Draw how many of the objects of a scene are odd: none in one scene of five, few in all others."""
    return min(int(rng.choice([0, 1, 2, 3], p=[0.2, 0.5, 0.2, 0.1])), (objects - 1) // 3)


def least_pieces(targets: int) -> int:
    """Smallest number of pieces of an ordinary kind beside so many targets: fewer would be odd themselves."""
    return max(3, 2 * targets + 1)


def color(rng: np.random.Generator) -> Color:
    """Draw a color: saturated, earthen, pale, or nearly gray of any brightness."""
    hue = rng.random()
    match int(rng.integers(4)):
        case 0:
            saturation, value = rng.uniform(0.55, 0.95), rng.uniform(0.45, 0.95)
        case 1:
            hue, saturation, value = rng.uniform(0.04, 0.16), rng.uniform(0.25, 0.6), rng.uniform(0.25, 0.8)
        case 2:
            saturation, value = rng.uniform(0.1, 0.35), rng.uniform(0.65, 1.0)
        case _:
            saturation, value = rng.uniform(0.0, 0.12), rng.uniform(0.1, 0.95)
    return colorsys.hsv_to_rgb(hue, saturation, value)


def first_material(rng: np.random.Generator) -> Material:
    """Draw a material; one in five has a single color."""
    if rng.random() < 0.2:
        return Material("plain", (color(rng),), brightness=rng.uniform(0.0, 0.2), hue=rng.uniform(0.0, 0.05))
    return _material(rng)


def another_material(material: Material, rng: np.random.Generator) -> Material:
    """Draw a material that a person tells apart from another one."""
    while True:
        found = _another(Good("", Form("box", 0.04, 0), material), "", rng).material
        if is_distinct(found, material):
            return found


def is_distinct(first: Material, second: Material) -> bool:
    """Whether a person tells two materials apart, although the pieces of each differ."""
    if first == second:
        return False
    patterned = is_patterned(first), is_patterned(second)
    if any(patterned) and (first.pattern != second.pattern or abs(np.log(first.scale / second.scale)) > 0.5):
        return True
    same_number = all(patterned) and len(first.colors) == len(second.colors)
    a, b = (np.array(material.colors if same_number else [material.color]) + 0.05 for material in (first, second))
    brighter = np.abs(np.log(a.sum(axis=1) / b.sum(axis=1))).max()
    shares = np.abs(a / a.sum(axis=1, keepdims=True) - b / b.sum(axis=1, keepdims=True)).max()
    spread = 1.2 * max(first.brightness, second.brightness)
    return bool(brighter > 0.3 + spread or shares > 0.08)


def is_patterned(material: Material) -> bool:
    """Whether a person sees the pattern of a material."""
    if material.pattern == "plain" or len(material.colors) < 2:
        return False
    ends = np.array(material.colors)
    return float(material.contrast * np.ptp(ends, axis=0).max()) >= VISIBLE


def are_alike(first: frozenset[str], second: frozenset[str]) -> bool:
    """Whether some of the shapes of one kind are hard to tell from some of another."""
    return bool(first & second) or any(group & first and group & second for group in ALIKE_SHAPES)


def _form(rng: np.random.Generator) -> Form:
    names = MANIFOLD_SHAPES if rng.random() < 0.3 else SHAPE_NAMES
    maker = names[rng.integers(len(names))]
    return Form(maker, rng.uniform(0.032, 0.052), int(rng.integers(2**31)), rng.uniform(0.0, 0.15))


def _pattern(rng: np.random.Generator) -> str:
    return PATTERN_NAMES[rng.integers(len(PATTERN_NAMES))]


def _material(rng: np.random.Generator) -> Material:
    first = color(rng)
    second = color(rng) if rng.random() < 0.6 else _lighter(first, rng.uniform(0.3, 0.65))
    return Material(
        _pattern(rng),
        (first, second, color(rng)) if rng.random() < 0.3 else (first, second),
        rng.uniform(0.004, 0.014),
        rng.uniform(0.5, 1.0),
        rng.uniform(0.0, 0.25),
        rng.uniform(0.0, 0.05),
        rng.uniform(0.1, 0.5) if rng.random() < 0.4 else 0.0,
        rng.random(),
    )


def _lighter(base: Color, factor: float) -> Color:
    r, g, b = (min(1.0, channel * factor) for channel in base)
    return r, g, b


def _another(kind: Good, name: str, rng: np.random.Generator) -> Good:
    """A kind that differs from another one in everything, or in one property alone."""
    match DIFFERENCES[rng.integers(len(DIFFERENCES))]:
        case "shape":
            return Good(name, _other_form(kind.form, rng), kind.material)
        case "brightness":
            return Good(name, _kept_or_other(kind.form, rng), _rescaled(kind.material, rng))
        case "color":
            return Good(name, _kept_or_other(kind.form, rng), _recolored(kind.material, rng))
        case "pattern" if is_patterned(kind.material):
            return Good(name, _kept_or_other(kind.form, rng), _repatterned(kind.material, rng))
        case _:
            return Good(name, _form(rng), _material(rng))


DIFFERENCES = ("shape", "shape", "brightness", "color", "pattern", "pattern", "everything", "everything")
"""In what two kinds differ; what is listed twice is twice as frequent."""


def _kept_or_other(form: Form, rng: np.random.Generator) -> Form:
    return form if rng.random() < 0.7 else _form(rng)


def _other_form(form: Form, rng: np.random.Generator) -> Form:
    """Another generator, or a size that differs by a factor of at least 1.5."""
    if rng.random() < 0.3:
        factor = rng.uniform(1.5, 1.6)
        size = form.size * factor if form.size < 0.036 else form.size / factor
        return replace(form, size=size, spread=min(form.spread, 0.06))
    others = [name for name in SHAPE_NAMES if not are_alike(frozenset({name}), frozenset({form.maker}))]
    return replace(form, maker=others[rng.integers(len(others))], seed=int(rng.integers(2**31)))


def _rescaled(material: Material, rng: np.random.Generator) -> Material:
    """The same material, 1.4 to 2 times as bright or as dark; the pieces vary by less than that."""
    factor = rng.uniform(1.4, 2.0)
    brightest = max(max(color) for color in material.colors)
    factor = factor if brightest * factor < 1.0 else 1 / factor
    colors = tuple(_lighter(color, factor) for color in material.colors)
    return replace(material, colors=colors, brightness=min(material.brightness, 0.15))


def _recolored(material: Material, rng: np.random.Generator) -> Material:
    """The same pattern with one color replaced, or plain in one of its colors."""
    colors = list(material.colors)
    if material.pattern != "plain" and rng.random() < 0.3:
        return replace(material, pattern="plain", colors=(colors[rng.integers(len(colors))],))
    shown = 1 if material.pattern == "plain" else len(colors)
    index = int(rng.integers(shown))
    for _ in range(20):
        candidate = color(rng)
        if float(np.abs(np.subtract(candidate, colors[index])).max()) > 0.25:
            break
    colors[index] = candidate
    return replace(material, colors=tuple(colors))


def _repatterned(material: Material, rng: np.random.Generator) -> Material:
    """Another pattern: of the same colors, or of the same mean and deviation."""
    others = [name for name in TRAINING_PATTERNS if name != material.pattern]
    other = others[rng.integers(len(others))]
    if material.pattern == "plain" or len(material.colors) != 2 or rng.random() < 0.4:
        return replace(material, pattern=other, variant=rng.random())
    mean, spread = statistics(material)
    found = matched(other, mean, spread, material.scale, rng.random())
    return replace(material, pattern=other, colors=found.colors, variant=found.variant, contrast=1.0)


def statistics(material: Material) -> tuple[Color, Color]:
    """Mean and signed standard deviation of the channels of a material of two colors over its surface."""
    middle, sigma = deviation(material.pattern, material.scale, material.variant)
    first, second = (np.array(end) for end in material.colors)
    center = (first + second) / 2
    step = (second - first) * material.contrast
    r, g, b = center + (middle - 0.5) * step
    dr, dg, db = sigma * step
    return (float(r), float(g), float(b)), (float(dr), float(dg), float(db))
