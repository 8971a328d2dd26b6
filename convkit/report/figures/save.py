"""Figures as files and as SVG for a page: the same bytes for the same figure."""

import io
import re
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from convkit.report.figures.style import INK, styled

# Nothing that tells when or by which version a file was made.
_SILENT: dict[str, dict[str, Any]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
_DPI = 120


def encoded(figure: Figure, path: str, *, dpi: int = _DPI) -> bytes:
    """Return a figure as the bytes of the .png, .svg or .pdf file that a path names, on white."""
    suffix = Path(f"figure{path}" if path.startswith(".") else path).suffix.lower()
    buffer = io.BytesIO()
    with styled():
        figure.savefig(buffer, format=suffix[1:], dpi=dpi, facecolor="white", metadata=_SILENT[suffix])
    return buffer.getvalue()


def to_svg(figure: Figure, name: str, title: str = "") -> str:
    """Return a figure as an ``<svg>`` element for a page, whose text takes the page's colour.

    Its ids begin with ``name``, so that figures do not meet in one page; it has no style sheet that would reach
    beyond it, and no background.

    Parameters
    ----------
    figure : Figure
    name : str
        A word that no other figure of the page has.
    title : str
        What a screen reader says.
    """
    buffer = io.StringIO()
    with styled():
        figure.savefig(buffer, format="svg", transparent=True, metadata=_SILENT[".svg"])
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text, flags=re.S)
    text = re.sub(r"\s*<defs>\s*<style.*?</style>\s*</defs>", "", text, flags=re.S)
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.S)
    text = _own_ids(text, name)
    text = text.replace(INK, "currentColor")
    label = f' role="img" aria-label="{_escaped(title)}"' if title else ' aria-hidden="true"'
    text = re.sub(
        r"<svg [^>]*?viewBox=\"([^\"]*)\"[^>]*>",
        rf'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="\1"{label} '
        'stroke-linejoin="round" stroke-linecap="butt">',
        text,
        count=1,
    )
    return re.sub(r"\n\s*", "\n", text).strip()


def _own_ids(text: str, name: str) -> str:
    """Keep the ids that something refers to, under the figure's own name, and drop the others."""
    used = set(re.findall(r"(?:url\(#|href=\"#)([^)\"]+)", text))
    text = re.sub(r' id="([^"]+)"', lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", text)
    return re.sub(r"(url\(#|href=\"#)", rf"\g<1>{name}-", text)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
