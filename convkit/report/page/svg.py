"""Figures as drawings in the page, under a policy that allows no style attribute."""

import re
from dataclasses import dataclass
from typing import Any

from convkit.experiment import Comparison, Recovery

# Pixels of a page for a point of Matplotlib's: a wide figure and another one fit side by side.
_PIXELS = 1.18
# And for one that stands alone.
_LARGER = 1.4


@dataclass(frozen=True)
class Drawing:
    """A figure: its title, what to see in it, the drawing, and whether it needs a wide page."""

    title: str
    caption: str
    svg: Any
    wide: bool


def recovery_drawings(found: Recovery) -> dict[str, Drawing]:
    """Draw the figures that a recovery has something to show in, by their names."""
    from convkit.report.figures import panels, to_svg

    return {
        panel.name: _drawing(
            panel.title, panel.caption(found), to_svg(panel.figure(found), f"figure-{panel.name}", panel.title)
        )
        for panel in panels(found)
        if panel.name != "taps"  # which the page has as tables
    }


def comparison_drawings(result: Comparison) -> list[Drawing]:
    """Draw the error of the taps along every setting that has several values; programs and chance have no order."""
    from convkit.report.figures import comparison_figure, to_svg
    from convkit.report.figures.comparison import caption

    drawings = []
    for number, (key, values) in enumerate(result.vary.items()):
        if len(values) < 2 or key == "program" or (key == "seed" and len(result.vary) > 1):
            continue
        title = f"Error along {key.replace('_', ' ')}"
        svg = to_svg(comparison_figure(result, key), f"figure-{number}", title)
        drawings.append(_drawing(title, caption(result, key), svg, _LARGER))
    return drawings


def _drawing(title: str, caption: str, svg: str, pixels: float = _PIXELS) -> Drawing:
    from markupsafe import Markup

    width, height = (float(number) for number in re.findall(r'viewBox="0 0 (\S+) ([^"]+)"', svg)[0])
    size = f'<svg width="{pixels * width:.0f}" height="{pixels * height:.0f}" '
    # Texts in it are escaped by Matplotlib, and the title by `to_svg`.
    return Drawing(title, caption, Markup(plain(svg).replace("<svg ", size, 1)), wide=width > 400)  # noqa: S704


def plain(svg: str) -> str:
    """Turn style attributes into presentation attributes, and round places to a hundredth of a point.

    Examples
    --------
    >>> plain('<path d="M 1.23456 0" style="fill: none; stroke-width: 0.8"/>')
    '<path d="M 1.23 0" fill="none" stroke-width="0.8"/>'
    """
    svg = re.sub(r' style="([^"]*)"', lambda match: "".join(map(_attribute, match[1].split(";"))), svg)
    return re.sub(r"-?\d+\.\d{3,}", lambda match: f"{float(match[0]):.2f}".rstrip("0").rstrip("."), svg)


def _attribute(declaration: str) -> str:
    name, _, value = (part.strip() for part in declaration.partition(":"))
    # Text is set in the page's own face.
    return f' {name}="{value}"' if name and name != "font-family" else ""
