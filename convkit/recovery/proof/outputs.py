"""Outputs of a scene tile by tile, with the pixels that their windows see, inside the image or beyond its border."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convkit.image.mapped import let_go
from convkit.recovery.lanes import in_lanes
from convkit.recovery.plane import Coverage, Plane
from convkit.recovery.problem import Pair
from convkit.recovery.proof.arithmetic import Arithmetic, Sums
from convkit.recovery.proof.tally import Tally
from convkit.recovery.registered import Registered
from convkit.recovery.tiles import Tile

Places = NDArray[np.intp]


class Reading(NamedTuple):
    """A tile's pixels, ``((h - 1)·s + kh, (w - 1)·s + kw)``, its outputs as stored, and which count (None for all)."""

    pixels: NDArray[np.float64]
    target: NDArray[np.float64]
    used: NDArray[np.bool_] | None


@dataclass(frozen=True, eq=False)
class Outputs:
    """Outputs, and an image laid out so that its valid windows are theirs.

    Attributes
    ----------
    image : Plane
    target : ndarray, shape (h, w)
    size : (int, int)
        The windows' ``(kh, kw)``.
    stride : int
    mask : ndarray of bool, shape (h, w), or None
        Which outputs count; pixels that only others see may be anything.
    """

    image: Plane
    target: NDArray[Any]
    size: tuple[int, int]
    stride: int = 1
    mask: NDArray[np.bool_] | None = None

    @classmethod
    def inside(cls, scene: Registered, size: tuple[int, int], offset: tuple[int, int]) -> "Outputs":
        """Return those whose window lies inside the image.

        Examples
        --------
        >>> found = Outputs.inside(Registered(np.eye(3), np.eye(3)), (1, 3), (0, -1))
        >>> found.read(Tile(1, 2, 0, 1)).pixels, found.target.shape
        (array([[0., 1., 0.]]), (3, 1))
        """
        return cls.of_pair(scene.pair(size, offset), size, scene.stride)

    @classmethod
    def of_pair(cls, pair: Pair, size: tuple[int, int], stride: int) -> "Outputs":
        """Return those of a pair, which are just the windows of its image.

        Examples
        --------
        >>> Outputs.of_pair(Pair(np.eye(3), np.eye(3)[:, 1:]), (1, 2), 1).read(Tile(1, 2, 1, 2)).pixels
        array([[1., 0.]])
        """
        rows, columns = (np.arange(length) for length in pair.image.shape)
        return cls._of(pair.image, rows, columns, pair.target, size, stride, pair.mask)

    @classmethod
    def of_all(cls, scene: Registered, size: tuple[int, int], rows: Places, columns: Places) -> "Outputs":
        """Return all of a scene's, given which image row and column lies at each place of the windows; -1 for zeros.

        Examples
        --------
        >>> replicated = np.array([0, 0, 1, 2, 2])
        >>> found = Outputs.of_all(Registered(np.eye(3), np.eye(3)), (1, 3), np.arange(3), replicated)
        >>> found.read(Tile(0, 1, 0, 1)).pixels
        array([[1., 1., 0.]])
        """
        return cls._of(scene.image, rows, columns, scene.target, size, scene.stride, scene.mask)

    @classmethod
    def _of(
        cls,
        image: NDArray[Any],
        rows: Places,
        columns: Places,
        target: NDArray[Any],
        size: tuple[int, int],
        stride: int,
        mask: NDArray[np.bool_] | None,
    ) -> "Outputs":
        seen = None if mask is None else Coverage(mask, size, stride)
        return cls(Plane("image", image, rows, columns, seen), target, size, stride, mask)

    def read(self, tile: Tile) -> Reading:
        """Return the pixels and the stored numbers of a tile of outputs."""
        part = slice(tile.top, tile.bottom), slice(tile.left, tile.right)
        (kh, kw), s = self.size, self.stride
        pixels = self.image.read(
            Tile(tile.top * s, (tile.bottom - 1) * s + kh, tile.left * s, (tile.right - 1) * s + kw)
        )
        target = np.asarray(self.target[part], dtype=np.float64)
        return Reading(pixels, target, None if self.mask is None else self.mask[part])

    def tally(
        self, arithmetic: Arithmetic, parts: Sequence[Tile], change: Callable[[Tile, Sums], Sums] | None = None
    ) -> Tally:
        """Compare what an arithmetic makes of some tiles with what was stored.

        Parameters
        ----------
        arithmetic : Arithmetic
        parts : sequence of Tile
        change : function, optional
            From a tile and its responses to those to be compared.
        """

        def lane(parts: Sequence[Tile]) -> Tally:
            total = Tally()
            for part in parts:
                pixels, target, used = self.read(part)
                sums = arithmetic.sums(pixels)
                total += Tally.of(sums if change is None else change(part, sums), target, arithmetic, used)
                let_go()
            return total

        return reduce(add, in_lanes(lane, parts), Tally())
