"""Numbers as colours: blue below zero, orange above, the page's own ground at zero (safe for colour-blind eyes)."""

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

# So many shades on either side of zero.
SHADES = 8

_Colour = tuple[int, int, int]
_INK: _Colour = (0, 0, 0)
_PAPER: _Colour = (255, 255, 255)
# Of the scheme: the ground at zero, then blue and orange at their fullest.
_LIGHT: tuple[_Colour, _Colour, _Colour] = (247, 247, 247), (33, 102, 172), (217, 95, 2)
_DARK: tuple[_Colour, _Colour, _Colour] = (38, 43, 50), (92, 163, 230), (240, 138, 60)


def shade(value: float, scale: float) -> int:
    """Return how far a number is from zero, of ``scale``, in whole shades from -SHADES to SHADES.

    Examples
    --------
    >>> shade(0.0, 1.0), shade(-1.0, 1.0), shade(0.001, 1.0)
    (0, -8, 1)
    """
    if not scale or not value:
        return 0
    return int(np.sign(value) * np.clip(np.ceil(abs(value) / scale * SHADES - 1e-9), 1, SHADES))


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
    return f"{_rules(*_LIGHT)}@media screen and (prefers-color-scheme:dark){{{dark}}}"


def _rules(ground: _Colour, blue: _Colour, orange: _Colour) -> str:
    rules = [_rule("z", ground)]
    for level in range(1, SHADES + 1):
        for side, towards in (("n", blue), ("p", orange)):
            rules.append(_rule(f"{side}{level}", _between(ground, towards, level / SHADES)))
    return "".join(rules)


def _rule(name: str, back: _Colour) -> str:
    front = max((_INK, _PAPER), key=lambda colour: contrast(colour, back))
    return f".{name}{{background:{_hex(back)};color:{_hex(front)}}}"


def _between(one: _Colour, other: _Colour, share: float) -> _Colour:
    red, green, blue = (round(a + share * (b - a)) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _hex(colour: _Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def contrast(one: _Colour, other: _Colour) -> float:
    """Contrast of two colours from 1 to 21 (WCAG 2.2, section 1.4.3).

    Examples
    --------
    >>> contrast((0, 0, 0), (255, 255, 255))
    21.0
    """
    dark, light = sorted(_luminance(colour) for colour in (one, other))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: _Colour) -> float:
    parts = [value / 255.0 for value in colour]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def heat_picture(taps: NDArray[np.floating[Any]], scale: float) -> str:
    """Draw a large kernel, a pixel a tap, as a ``data:`` address.

    Zero is transparent, so that the picture suits a light page and a dark one.
    """
    from PIL import Image

    shades = 2 * SHADES
    with np.errstate(invalid="ignore"):
        index = np.clip(np.round(np.nan_to_num(taps) / (scale or 1.0) * shades), -shades, shades)
    _, blue, orange = _LIGHT
    sides = [blue] * shades + [orange] * (shades + 1)
    alpha = bytes(round(255 * abs(level) / shades) for level in range(-shades, shades + 1))
    picture = Image.frombytes("P", taps.shape[::-1], (index + shades).astype(np.uint8).tobytes())
    picture.putpalette([part for colour in sides for part in colour])
    return png_address(picture, transparency=alpha)


def png_address(picture: Any, **options: Any) -> str:
    """Return a Pillow picture as a ``data:`` address."""
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True, **options)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
