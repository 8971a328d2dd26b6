"""The recovery problem condensed: a few numbers that add up over tiles, images and machines."""

from dataclasses import dataclass, field, fields, replace
from math import prod
from os import PathLike

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convkit.convolution.convention import Padding
from convkit.errors import SettingsError
from convkit.recovery.equations_file import EquationsError, read_equations, write_equations
from convkit.recovery.observations import observe
from convkit.recovery.second_moments import Centred, moved, moved_column
from convkit.recovery.summary import summarize


@dataclass(frozen=True, eq=False)
class NormalEquations:
    """What least squares needs to know of image and response, whatever their size.

    The rows of ``X`` are image patches, taps row by row, then a 1 if there is a bias. Kept are the moments about
    two shifts near the means: a picture's patches are alike but for their mean, which squared would take up to
    six of the sixteen digits.

    Attributes
    ----------
    moments : ndarray, shape (p + 2, p + 2)
        ``Σ z zᵀ`` over the outputs, with ``p = kh·kw`` and ``z = (patch - image_shift, 1, y - target_shift)``.
        Symmetric.
    size : (int, int)
        The kernel's ``(kh, kw)``.
    bias : bool
        Whether a bias is sought.
    image_shift, target_shift : float
        In units of the image and of the target.
    image_range, target_range : (float, float)
        Lowest and highest pixel used.
    padding : str or None
        None when the border rule is unknown.
    stride : int
    flip : bool
        Whether the taps are those of a convolution; then patches are turned by 180°.

    Examples
    --------
    >>> image = np.ones((6, 8)); image[:, 3:7] = 0
    >>> equations = NormalEquations.of(image, image[:, :-1] - image[:, 1:], (1, 2))
    >>> equations.gram
    array([[18., 12., 18.],
           [12., 18., 18.],
           [18., 18., 42.]])
    >>> np.linalg.solve(equations.gram, equations.moment).round(12)
    array([ 1., -1.,  0.])
    """

    moments: NDArray[np.float64] = field(repr=False)
    size: tuple[int, int]
    bias: bool
    image_shift: float = 0.0
    target_shift: float = 0.0
    image_range: tuple[float, float] = field(kw_only=True)
    target_range: tuple[float, float] = field(kw_only=True)
    padding: str | None = "valid"
    stride: int = 1
    flip: bool = False

    @classmethod
    def of(
        cls,
        image: ArrayLike,
        target: ArrayLike,
        size: tuple[int, int],
        *,
        padding: str | Padding | None = "valid",
        stride: int = 1,
        flip: bool = False,
        bias: bool = True,
        mask: ArrayLike | None = None,
        weights: ArrayLike | None = None,
        shift: tuple[float, float] | None = None,
        device: str = "cpu",
    ) -> "NormalEquations":
        """Condense an image and its response.

        Whole images go through tiled FFTs, in a time that hardly depends on the kernel's size; masked, strided
        and small ones through blocks of patches and BLAS. Memory depends on the kernel alone: an image mapped
        from a file is read twice, tile by tile.

        Parameters
        ----------
        image : array_like, shape (H, W), real
        target : array_like, real
            The response, of the shape that padding and stride give it.
        size : (int, int)
            The kernel's ``(kh, kw)``.
        padding : str or None
            How the image is continued; None for valid windows under an unknown border rule.
        stride : int
            Distance of the outputs.
        flip : bool
            Whether the kernel of a convolution is sought instead of a cross-correlation's.
        bias : bool
            Whether a bias is sought.
        mask : array_like of bool, shape of the target, optional
            True where an output is to be used. What no used output sees may be NaN.
        weights : array_like, shape of the target, optional
            What each output counts for, from 0 to 1: ``G = Σ w·x·xᵀ`` and so on; `count` is then their sum.
        shift : (float, float), optional
            Image and target shift. By default the means of the pixels used, each rounded to a power of two no
            larger than the standard deviation: harmless, and integers stay integers, whose sums are exact.
        device : str
            Where whole images are transformed: ``cpu``, or a device of torch, such as ``cuda``; in float64 there too.

        Raises
        ------
        SettingsError
            When size, padding, stride or shift is out of range.
        ShapeError
            When image, target, mask and kernel do not fit together.
        ImageError
            When a used pixel is NaN, infinite or beyond 1e140, an array is not real, a mask is not boolean or
            leaves no output, or weights are not from 0 to 1.

        Examples
        --------
        >>> NormalEquations.of([[1, 2, 4]], [[3, 6]], (1, 2), mask=[[True, False]], bias=False).gram
        array([[1., 2.],
               [2., 4.]])
        """
        seen = observe(image, target, size, padding=padding, stride=stride, flip=flip, mask=mask, weights=weights)
        of_image, of_target = summarize(seen.image), summarize(seen.target)
        image_shift, target_shift = (of_image.centre, of_target.centre) if shift is None else _checked_shift(shift)
        return cls(
            seen.moments(image_shift, target_shift, device=device),
            seen.size,
            bias,
            image_shift,
            target_shift,
            image_range=(of_image.lowest, of_image.highest),
            target_range=(of_target.lowest, of_target.highest),
            padding=None if padding is None else str(seen.convention.padding),
            stride=seen.convention.stride,
            flip=flip,
        )

    def __add__(self, other: "NormalEquations") -> "NormalEquations":
        """Join the equations of two sets of outputs.

        Shifts that differ are first moved, by algebra, to their mean weighted by the outputs, which is about the
        mean of all pixels again: no digits are lost when the first of many is unlike the rest. The sum is the same
        in either order.

        Raises
        ------
        EquationsError
            When they are not equations for the same kernel.
        """
        if not isinstance(other, NormalEquations):
            return NotImplemented
        self._check_same_kernel(other)
        image_shift, target_shift = (
            a if a == b else (self.count * a + other.count * b) / (self.count + other.count)
            for a, b in ((self.image_shift, other.image_shift), (self.target_shift, other.target_shift))
        )
        return replace(
            self,
            moments=self._moments_about(image_shift, target_shift) + other._moments_about(image_shift, target_shift),
            image_shift=image_shift,
            target_shift=target_shift,
            image_range=_joined(self.image_range, other.image_range),
            target_range=_joined(self.target_range, other.target_range),
        )

    @property
    def gram(self) -> NDArray[np.float64]:
        """``G = XᵀX`` of the data as they are, shape (q, q), q = p + bias; computed anew at each call."""
        q = prod(self.size) + self.bias
        return self._moments_about(0.0, 0.0)[:q, :q].copy()

    @property
    def moment(self) -> NDArray[np.float64]:
        """``c = Xᵀy`` of the data as they are, shape (q,)."""
        column = moved_column(self.moments, self.image_shift, self.target_shift)
        return column[: prod(self.size) + self.bias]

    @property
    def energy(self) -> float:
        """``e = yᵀy`` of the data as they are."""
        return float(moved_column(self.moments, self.image_shift, self.target_shift)[-1])

    @property
    def count(self) -> float:
        """How many outputs were used, or the sum of their weights."""
        return float(self.moments[-2, -2])

    def centred(self) -> Centred:
        """Return the equations about the true means, for which the bias is eliminated.

        Examples
        --------
        >>> found = NormalEquations.of([[1, 2, 4, 1]], [[3, 6, 5]], (1, 2)).centred()
        >>> (found.gram * 3).round(12), (found.moment * 3).round(12)
        (array([[14., -7.],
               [-7., 14.]]), array([7., 7.]))
        """
        return Centred.of(self.moments, self.image_shift, self.target_shift)

    def save(self, path: str | PathLike[str]) -> None:
        """Write to an ``.npz`` file, in one step.

        Raises
        ------
        OutputError
            When it cannot be written.
        """
        write_equations(path, {entry.name: getattr(self, entry.name) for entry in fields(self)})

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "NormalEquations":
        """Read what `save` wrote; nothing is unpickled.

        Raises
        ------
        EquationsError
            When the file cannot be read, is no such file, or was written by another version.

        Examples
        --------
        >>> path = getfixture("tmp_path") / "equations.npz"
        >>> NormalEquations.of([[1, 2, 4]], [[3, 6]], (1, 2)).save(path)
        >>> NormalEquations.load(path)  # doctest: +ELLIPSIS
        NormalEquations(size=(1, 2), bias=True, image_shift=2.0, target_shift=4.0, ...)
        """
        return cls(**read_equations(path))

    def _moments_about(self, image_shift: float, target_shift: float) -> NDArray[np.float64]:
        return moved(self.moments, self.image_shift - image_shift, self.target_shift - target_shift)

    def _check_same_kernel(self, other: "NormalEquations") -> None:
        for name in ("size", "bias", "padding", "stride", "flip"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine != theirs:
                raise EquationsError(
                    expected=f"normal equations to add with {name} {mine}",
                    got=f"{name} {theirs}",
                    hint=f"building both with the same {name}",
                )


def of_taps_alone(normal: NormalEquations) -> Centred:
    """Return the equations of the taps: about the means where a bias makes up for them, about 0 where there is none.

    Examples
    --------
    >>> of_taps_alone(NormalEquations.of([[1, 2, 4]], [[3, 6]], (1, 2), bias=False)).energy
    45.0
    """
    if normal.bias:
        return normal.centred()
    return Centred(normal.gram, normal.moment, normal.energy, np.zeros(prod(normal.size)), 0.0)


def _joined(a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float]:
    return min(a[0], b[0]), max(a[1], b[1])


def _checked_shift(shift: tuple[float, float]) -> tuple[float, float]:
    if not np.isfinite(shift).all():
        raise SettingsError(expected="finite shifts", got=str(shift), hint="shift=None, which takes the means")
    return float(shift[0]), float(shift[1])
