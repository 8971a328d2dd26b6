"""Rectangles of an image."""

from typing import NamedTuple


class Tile(NamedTuple):
    """Rows ``top`` to ``bottom`` and columns ``left`` to ``right``, ends excluded."""

    top: int
    bottom: int
    left: int
    right: int


def tiles(shape: tuple[int, int], height: int, width: int) -> list[Tile]:
    """Cut a rectangle into tiles, row by row; the last ones are smaller.

    Examples
    --------
    >>> tiles((3, 2), 2, 5)
    [Tile(top=0, bottom=2, left=0, right=2), Tile(top=2, bottom=3, left=0, right=2)]
    """
    return [
        Tile(top, min(top + height, shape[0]), left, min(left + width, shape[1]))
        for top in range(0, shape[0], height)
        for left in range(0, shape[1], width)
    ]
