"""Blocks of outputs spread evenly over the pictures, each with what lies around it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.problem import Pair, Problem

Array = NDArray[np.float64]

# Outputs looked at, at most; and the side of a block of them, eight JPEG blocks long.
MOST_OUTPUTS = 3 << 16
SIDE = 64
# The picture is cut into so many tiles either way, of which each block belongs to one.
TILES = 4


@dataclass(frozen=True, eq=False)
class Block:
    """Outputs next to each other, and the pixels they see with one more on every side.

    Attributes
    ----------
    pixels : ndarray, shape (s·(h - 1) + kh + 2, s·(w - 1) + kw + 2)
    target : ndarray, shape (h, w)
    mask : ndarray of bool, shape (h, w)
        Which outputs are used.
    top, left : int
        Row and column of the first output in its pair.
    tile : int
        Which of the pair's ``TILES²`` tiles the block lies in.
    """

    pixels: Array
    target: Array
    mask: NDArray[np.bool_]
    top: int
    left: int
    tile: int


def blocks(problem: Problem) -> Iterator[Block]:
    """Yield blocks of at most ``MOST_OUTPUTS`` outputs, spread evenly over rows and columns of every pair.

    Left out is the outermost row or column of outputs, whose windows have no pixels around them.

    Examples
    --------
    >>> found = list(blocks(Problem.of(np.zeros((3002, 4002)), np.zeros((3000, 4000)), (3, 3))))
    >>> len(found), found[0].pixels.shape, found[-1].top, found[-1].left
    (45, (68, 68), 2935, 3935)
    """
    for pair in problem.pairs:
        yield from _of(pair, problem.size, problem.stride, MOST_OUTPUTS // len(problem.pairs))


def _of(pair: Pair, size: tuple[int, int], stride: int, most: int) -> Iterator[Block]:
    height, width = (length - 2 for length in pair.target.shape)
    if height < 1 or width < 1:
        return
    rows, columns = _grid(height, width, most)
    for top, bottom in _stretches(height, rows):
        for left, right in _stretches(width, columns):
            outputs = slice(top, bottom), slice(left, right)
            seen = tuple(
                slice(stride * out.start - 1, stride * (out.stop - 1) + length + 1)
                for out, length in zip(outputs, size, strict=True)
            )
            target = np.asarray(pair.target[outputs], np.float64)
            mask = np.ones(target.shape, np.bool_) if pair.mask is None else pair.mask[outputs]
            tile = TILES * ((top - 1) * TILES // height) + (left - 1) * TILES // width
            yield Block(np.asarray(pair.image[seen], np.float64), target, mask, top, left, tile)


def _grid(height: int, width: int, most: int) -> tuple[int, int]:
    """How many stretches down and across: all, or as densely one way as the other."""
    rows, columns = -(-height // SIDE), -(-width // SIDE)
    if height * width <= most:
        return rows, columns
    rows = min(rows, max(1, int(math.sqrt(most * height / width) / SIDE)))
    return rows, max(1, min(columns, most // (min(height, rows * SIDE) * SIDE)))


def _stretches(length: int, count: int) -> list[tuple[int, int]]:
    """Cut rows ``1…length`` into stretches of ``SIDE``, or take ``count`` of them at equal distances."""
    if -(-length // SIDE) <= count:
        return [(1 + start, 1 + min(start + SIDE, length)) for start in range(0, length, SIDE)]
    starts = np.linspace(0, length - SIDE, count).astype(int)
    return [(1 + int(start), 1 + int(start) + SIDE) for start in starts]
