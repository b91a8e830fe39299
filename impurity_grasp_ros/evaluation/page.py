"""Pages from templates: HTML documents that need no other file, no network and no script."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from impurity_grasp_ros.evaluation.charts import PALETTE


def render_page(template: str, **values: Any) -> str:
    """Render a page.

    Args:
        template: Name of its file in ``templates``.
        **values: What the template shows; ``title`` and ``facts``, which every page has, among them.

    Returns:
        An HTML document.
    """
    pages = Environment(
        loader=PackageLoader("impurity_grasp_ros.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return pages.get_template(template).render(palette=PALETTE, **values)
