"""Files of weights in format 1, as they were written before costs became parameters of the policy."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "data" / "weights"

OLD = FOLDER / "format_1.safetensors"
"""Value maps of 4 and 8 channels; grasps 25 mm deep; costs of 300 for misfit, 0.9 for pushes and 0.2 for failures."""

OLD_RECTANGLES = FOLDER / "format_1_rectangles.safetensors"
"""Grasp rectangles; a cost of 0.9 for pushes, which no actor has ever used."""


def tensor_bytes(path: Path) -> bytes:
    """What follows the header of a safetensors file: the bytes of all tensors."""
    content = path.read_bytes()
    return content[8 + int.from_bytes(content[:8], "little") :]
