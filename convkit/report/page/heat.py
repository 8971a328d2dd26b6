"""Numbers as colours: blue below zero, orange above, the page's own ground at zero (safe for colour-blind eyes)."""

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.report.palette import BLUE, NEUTRAL, ORANGE, RGB, between, hexadecimal, ink_on

# So many shades on either side of zero.
SHADES = 8
# Shares of the scale below this are rounding, and zero.
_ROUNDING = 1e-9

# Of the dark scheme: the ground at zero, then blue and orange at their fullest.
_DARK: tuple[RGB, RGB, RGB] = (38, 43, 50), (92, 163, 230), (240, 138, 60)


def shade(value: float, scale: float) -> int:
    """Return how far a number is from zero, of ``scale``, in whole shades from -SHADES to SHADES.

    Examples
    --------
    >>> shade(1e-16, 1.0), shade(-1.0, 1.0), shade(0.001, 1.0)
    (0, -8, 1)
    """
    if abs(value) <= _ROUNDING * scale:
        return 0
    return int(np.sign(value) * np.clip(np.ceil(abs(value) / scale * SHADES - _ROUNDING), 1, SHADES))


def shade_class(value: float, scale: float) -> str:
    """Return the class of a cell with a number in it.

    Examples
    --------
    >>> shade_class(-1.0, 1.0), shade_class(0.0, 1.0), shade_class(0.5, 1.0)
    ('n8', 'z', 'p4')
    """
    found = shade(value, scale)
    return f"{'n' if found < 0 else 'p'}{abs(found)}" if found else "z"


def heat_css() -> str:
    """Return the rules for the classes of `shade_class`, with the text that reads best on each."""
    dark = _rules(*_DARK)
    return f"{_rules(NEUTRAL, BLUE, ORANGE)}@media screen and (prefers-color-scheme:dark){{{dark}}}"


def _rules(ground: RGB, blue: RGB, orange: RGB) -> str:
    rules = [_rule("z", ground)]
    for level in range(1, SHADES + 1):
        for side, towards in (("n", blue), ("p", orange)):
            rules.append(_rule(f"{side}{level}", between(ground, towards, level / SHADES)))
    return "".join(rules)


def _rule(name: str, back: RGB) -> str:
    return f".{name}{{background:{hexadecimal(back)};color:{hexadecimal(ink_on(back))}}}"


def heat_picture(taps: NDArray[np.floating[Any]], scale: float) -> str:
    """Draw a large kernel, a pixel a tap, as a ``data:`` address.

    Zero is transparent, so that the picture suits a light page and a dark one.
    """
    from PIL import Image

    shades = 2 * SHADES
    with np.errstate(invalid="ignore"):
        index = np.clip(np.round(np.nan_to_num(taps) / (scale or 1.0) * shades), -shades, shades)
    sides = [BLUE] * shades + [ORANGE] * (shades + 1)
    alpha = bytes(round(255 * abs(level) / shades) for level in range(-shades, shades + 1))
    picture = Image.frombytes("P", taps.shape[::-1], (index + shades).astype(np.uint8).tobytes())
    picture.putpalette([part for colour in sides for part in colour])
    return png_address(picture, transparency=alpha)


def png_address(picture: Any, **options: Any) -> str:
    """Return a Pillow picture as a ``data:`` address."""
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True, **options)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
