"""How numbers and places are put into words."""

import math

_AXES = (("down", "up"), ("right", "left"))  # positive, negative: rows, columns
_SIDES = (("downwards", "upwards"), ("to the right", "to the left"))


def offset_in_words(size: tuple[int, int], offset: tuple[int, int]) -> str:
    """Say where a kernel lies around the output pixel, and so how it moves the picture.

    Parameters
    ----------
    size : tuple of int
        Rows and columns.
    offset : tuple of int
        Where the first tap sits relative to the output pixel.

    Returns
    -------
    str
        ``centred``; ``centred, half a pixel down`` for an even side, whose middle is between two pixels;
        ``one-sided …`` when the output pixel lies under an edge of the kernel, towards the side on which the taps
        are; ``shifted …`` otherwise, as the picture moves: a kernel that looks up moves it down.

    Examples
    --------
    >>> offset_in_words((3, 3), (-1, -1)), offset_in_words((1, 1), (-2, 0))
    ('centred', 'shifted down by 2')
    >>> offset_in_words((1, 5), (0, -4)), offset_in_words((4, 4), (-2, -2))
    ('one-sided to the left', 'centred, half a pixel up and left')
    """
    sides, shifts, halves = [], [], []
    for axis, (length, first) in enumerate(zip(size, offset, strict=True)):
        middle = first + (length - 1) / 2
        if abs(middle) == 0.5:
            halves.append(_AXES[axis][middle < 0])
        elif middle and length > 1 and 0 in (first, first + length - 1):
            sides.append(_SIDES[axis][middle < 0])
        elif middle:
            shifts.append(f"{_AXES[axis][middle > 0]} by {abs(middle):g}")
    parts = [f"one-sided {' and '.join(sides)}"] if sides else []
    if shifts:
        parts.append(f"shifted {' and '.join(shifts)}")
    if halves:
        parts.append(f"half a pixel {' and '.join(halves)}")
    return ", ".join(parts if sides or shifts else ["centred", *parts])


def with_error(value: float, error: float) -> str:
    """Write a number with its standard error, to the error's first digit (two when that is a 1).

    An error too small to matter (2e-5 of the value, or 3e-6) is left out, and so is one that is unknown.

    Examples
    --------
    >>> with_error(1.2034, 0.0012), with_error(30.3, 1.7), with_error(9, 0.1), with_error(1.5, 0)
    ('1.2034 ± 0.0012', '30.3 ± 1.7', '9.00 ± 0.10', '1.5')
    >>> with_error(1234.5, 30)
    '1230 ± 30'
    """
    if not math.isfinite(error) or error <= max(2e-5 * abs(value), 3e-6):
        return f"{round(value, 6) + 0.0:.5g}"
    exponent = math.floor(math.log10(error))
    digits = -exponent + (error / 10.0**exponent < 1.95)
    if digits <= 0:
        return f"{round(value, digits):.0f} ± {round(error, digits):.0f}"
    return f"{value:.{digits}f} ± {error:.{digits}f}"


def joined(words: list[str]) -> str:
    """Join words as a sentence does.

    Examples
    --------
    >>> joined(["left-right", "top-bottom", "diagonal"])
    'left-right, top-bottom and diagonal'
    """
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
