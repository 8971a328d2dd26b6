"""Where a kernel's taps may lie: windows of offsets around the output pixel, and how far the search reaches."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.registered import Registered

Size = tuple[int, int]

# Outputs per tap that the largest window must leave.
_OUTPUTS_PER_TAP = 2


@dataclass(frozen=True)
class Window:
    """A rectangle of tap positions, in input pixels from the output pixel.

    Attributes
    ----------
    size : (int, int)
        ``(kh, kw)``.
    offset : (int, int)
        Of its first tap.

    Examples
    --------
    >>> Window((3, 5), (-1, -2)).part(Window((7, 4), (-3, 1)))
    Window(size=(3, 2), offset=(-1, 1))
    """

    size: Size
    offset: Size

    @classmethod
    def between(cls, first: Size, last: Size) -> "Window":
        """Return the window with these two corners, both included."""
        return cls((last[0] - first[0] + 1, last[1] - first[1] + 1), first)

    @property
    def last(self) -> Size:
        """Position of the last tap."""
        return self.offset[0] + self.size[0] - 1, self.offset[1] + self.size[1] - 1

    @property
    def taps(self) -> int:
        """How many there are."""
        return self.size[0] * self.size[1]

    def part(self, other: "Window") -> "Window":
        """Return what lies in another window too."""
        first = max(self.offset[0], other.offset[0]), max(self.offset[1], other.offset[1])
        last = min(self.last[0], other.last[0]), min(self.last[1], other.last[1])
        return Window.between(first, last)

    def union(self, other: "Window") -> "Window":
        """Return the smallest window that holds both."""
        first = min(self.offset[0], other.offset[0]), min(self.offset[1], other.offset[1])
        last = max(self.last[0], other.last[0]), max(self.last[1], other.last[1])
        return Window.between(first, last)

    def widened(self, margin: Size) -> "Window":
        """Add rows and columns on all sides."""
        (rows, columns), (kh, kw), (top, left) = margin, self.size, self.offset
        return Window((kh + 2 * rows, kw + 2 * columns), (top - rows, left - columns))

    def slices_in(self, outer: "Window") -> tuple[slice, slice]:
        """Return where this window's taps lie in the array of a window that holds it."""
        rows, columns = (
            slice(mine - theirs, mine - theirs + length)
            for mine, theirs, length in zip(self.offset, outer.offset, self.size, strict=True)
        )
        return rows, columns

    def places_in(self, outer: "Window") -> NDArray[np.intp]:
        """Return the numbers of this window's taps among those of a window that holds it, row by row."""
        return np.arange(outer.taps).reshape(outer.size)[self.slices_in(outer)].ravel()

    def without(self, side: int, *, end: bool) -> "Window":
        """Drop the first or last row (side 0) or column (side 1)."""
        size, offset = list(self.size), list(self.offset)
        size[side] -= 1
        offset[side] += not end
        return Window((size[0], size[1]), (offset[0], offset[1]))


@dataclass(frozen=True)
class Reach:
    """How far the search may go.

    Attributes
    ----------
    window : Window
        All taps that may be found.
    centre : (int, int)
        The position around which windows grow.
    given : bool
        Whether the sizes of image and target set the limit, so that a kernel may well fill it.
    """

    window: Window
    centre: Size
    given: bool

    @classmethod
    def of(cls, scene: Registered, largest: int) -> "Reach":
        """Lay the limits of the search.

        A target as large as the image leaves the position open: windows grow around the output pixel, up to
        ``largest`` and to a third of the image. A target that is smaller answers to *valid* windows: they start
        at offset 0 and end where the image does, so that every target pixel has its output. Either way two
        outputs must be left per tap.

        Examples
        --------
        >>> Reach.of(Registered(np.zeros((90, 90)), np.zeros((88, 90))), 71).window
        Window(size=(3, 29), offset=(0, -14))
        """
        axes = [
            _Axis.of(image, target, scene.stride, largest)
            for image, target in zip(scene.image.shape, scene.target.shape, strict=True)
        ]
        while True:
            rows, columns = axes
            window = Window.between((rows.first, columns.first), (rows.last, columns.last))
            kept = scene.interior(window.size, window.offset)
            outputs = (kept[0].stop - kept[0].start) * (kept[1].stop - kept[1].start)
            if window.taps == 1 or outputs >= _OUTPUTS_PER_TAP * window.taps:
                given = rows.given and columns.given
                return cls(window, (rows.centre, columns.centre), given)
            longer = int(columns.last - columns.first > rows.last - rows.first)
            axes[longer] = axes[longer].shrunk()

    @property
    def rings(self) -> int:
        """How many windows there are, each around the last."""
        return 1 + int(self._distance().max())

    def ring_of_taps(self, window: Window) -> NDArray[np.intp]:
        """Return for each tap of a window, row by row, which ring around the centre it lies in."""
        return self._distance()[window.slices_in(self.window)].ravel()

    def grown(self, half: int) -> Window:
        """Return the window of all taps up to ``half`` pixels from the centre, in rows and in columns."""
        first, last = (tuple(place + step for place in self.centre) for step in (-half, half))
        return Window.between((first[0], first[1]), (last[0], last[1])).part(self.window)

    def _distance(self) -> NDArray[np.intp]:
        rows, columns = (
            np.abs(np.arange(length) + offset - centre)
            for length, offset, centre in zip(self.window.size, self.window.offset, self.centre, strict=True)
        )
        return np.maximum(rows[:, None], columns)


@dataclass(frozen=True)
class _Axis:
    """One axis of a reach: positions from ``first`` to ``last``, both included."""

    first: int
    last: int
    centre: int
    given: bool

    @classmethod
    def of(cls, image: int, target: int, stride: int, largest: int) -> "_Axis":
        spare = image - stride * (target - 1) - 1
        if spare >= stride:  # at stride s, up to s - 1 pixels may be left over at the end
            centre = spare // 2
            if spare < largest:
                return cls(0, spare, centre, given=True)
        else:
            centre = min(spare, 0) // 2
        half = (max(min(largest, (image + 1) // 3), 1) - 1) // 2
        return cls(centre - half, centre + half, centre, given=False)

    def shrunk(self) -> "_Axis":
        first, last = self.first + (self.first < self.centre), self.last - (self.last > self.centre)
        return _Axis(first, last, self.centre, given=False)
