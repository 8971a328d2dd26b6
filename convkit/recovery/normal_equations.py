"""The recovery problem condensed: a few numbers that add up over tiles, images and machines."""

from dataclasses import dataclass, field, fields, replace
from math import prod
from operator import index
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convkit.convolution.convention import Convention, Padding, check_fits
from convkit.errors import ImageError, SettingsError, ShapeError
from convkit.recovery.equations_file import EquationsError, read_equations, write_equations
from convkit.recovery.patches import add_patches
from convkit.recovery.plane import Coverage, Plane, Summary, summarize
from convkit.recovery.windows import add_windows
from convkit.text import shown


@dataclass(frozen=True, eq=False)
class Centred:
    """Normal equations about the means: what remains when the bias is solved for.

    With ``w = gram⁻¹ moment`` the bias is ``target_mean - patch_mean · w``.

    Attributes
    ----------
    gram : ndarray, shape (p, p)
        ``Σ (patch - mean)(patch - mean)ᵀ``, the Schur complement of the row of ones.
    moment : ndarray, shape (p,)
        ``Σ (patch - mean)(y - mean)``.
    energy : float
        ``Σ (y - mean)²``.
    patch_mean : ndarray, shape (p,)
        In image units: each tap sees a slightly different part of the image.
    target_mean : float
    """

    gram: NDArray[np.float64]
    moment: NDArray[np.float64]
    energy: float
    patch_mean: NDArray[np.float64]
    target_mean: float


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
        shift: tuple[float, float] | None = None,
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
        shift : (float, float), optional
            Image and target shift. By default the means of the pixels used, each rounded to a power of two no
            larger than the standard deviation: harmless, and integers stay integers, whose sums are exact.

        Returns
        -------
        NormalEquations

        Raises
        ------
        SettingsError
            When size, padding, stride or shift is out of range.
        ShapeError
            When image, target, mask and kernel do not fit together.
        ImageError
            When a used pixel is NaN, infinite or beyond 1e140, an array is not real, a mask is not boolean or
            leaves no output.

        Examples
        --------
        >>> NormalEquations.of([[1, 2, 4]], [[3, 6]], (1, 2), mask=[[True, False]], bias=False).gram
        array([[1., 2.],
               [2., 4.]])
        """
        kernel = _checked_size(size)
        pixels, response = _real(image, "image"), _real(target, "target")
        convention = Convention(Padding.parse("valid" if padding is None else padding), stride, flip)
        check_fits(pixels.shape, kernel)
        _check_target(response.shape, convention.output_shape(pixels.shape, kernel), pixels.shape, kernel)
        kept = None if mask is None else _checked_mask(mask, response.shape)
        x, y = _planes(pixels, response, kernel, convention, kept)
        of_image, of_target = summarize(x), summarize(y)
        image_shift, target_shift = _checked_shift(shift, of_image, of_target)
        moments = np.zeros((prod(kernel) + 2,) * 2)
        _add_moments(moments, replace(x, shift=image_shift), replace(y, shift=target_shift), kernel, convention, kept)
        return cls(
            moments,
            kernel,
            bias,
            image_shift,
            target_shift,
            image_range=(of_image.lowest, of_image.highest),
            target_range=(of_target.lowest, of_target.highest),
            padding=None if padding is None else str(convention.padding),
            stride=stride,
            flip=flip,
        )

    def __add__(self, other: "NormalEquations") -> "NormalEquations":
        """Join the equations of two sets of outputs.

        Shifts that differ are first moved, by algebra, to their mean weighted by the outputs, which is about the
        mean of all pixels again; so the sum does not depend on the order, nor on how an image was cut.

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
        return self._with_target()[: prod(self.size) + self.bias]

    @property
    def energy(self) -> float:
        """``e = yᵀy`` of the data as they are."""
        return float(self._with_target()[-1])

    @property
    def count(self) -> int:
        """How many outputs were used."""
        return int(self.moments[-2, -2])

    def centred(self) -> Centred:
        """Return the equations about the true means, for which the bias is eliminated.

        Examples
        --------
        >>> found = NormalEquations.of([[1, 2, 4, 1]], [[3, 6, 5]], (1, 2)).centred()
        >>> (found.gram * 3).round(12), (found.moment * 3).round(12)
        (array([[14., -7.],
               [-7., 14.]]), array([7., 7.]))
        """
        p, n = prod(self.size), self.count
        sums = self.moments[p]
        about_means = np.outer(sums, sums)
        about_means /= -n
        about_means += self.moments
        return Centred(
            about_means[:p, :p],
            about_means[:p, -1],
            float(about_means[-1, -1]),
            self.image_shift + sums[:p] / n,
            self.target_shift + float(sums[-1]) / n,
        )

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
        """Return the moments about other shifts."""
        d = self._step(image_shift, target_shift)
        if not d.any():
            return self.moments
        # With z' = z + d, m = Σ z: Σ z'z'ᵀ = M + d·mᵀ + m·dᵀ + n·d·dᵀ, split so that it is symmetric to the last bit.
        change = np.outer(d, self.moments[-2] + self.count / 2 * d)
        change = change + change.T
        change += self.moments
        return change

    def _with_target(self) -> NDArray[np.float64]:
        """Return the last column of the moments about 0: ``Σ patch·y``, ``Σ y``, ``Σ y²``."""
        d, sums = self._step(0.0, 0.0), self.moments[-2]
        found: NDArray[np.float64] = self.moments[-1] + d * sums[-1] + d[-1] * (sums + self.count * d)
        return found

    def _step(self, image_shift: float, target_shift: float) -> NDArray[np.float64]:
        """Return how ``z`` changes when the shifts do."""
        d = np.full(len(self.moments), self.image_shift - image_shift)
        d[-2:] = 0.0, self.target_shift - target_shift
        return d

    def _check_same_kernel(self, other: "NormalEquations") -> None:
        for name in ("size", "bias", "padding", "stride", "flip"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine != theirs:
                raise EquationsError(
                    expected=f"normal equations to add with {name} {mine}",
                    got=f"{name} {theirs}",
                    hint=f"building both with the same {name}",
                )


def _joined(first: tuple[float, float], second: tuple[float, float]) -> tuple[float, float]:
    return min(first[0], second[0]), max(first[1], second[1])


def _real(values: ArrayLike, name: str) -> NDArray[Any]:
    array = np.asarray(values)  # of a mapped array a view
    if array.ndim != 2 or 0 in array.shape:
        raise ShapeError(
            expected=f"a two-dimensional {name} with pixels",
            got=f"an array of shape {array.shape}",
            hint=f"one channel at a time, such as {name}[..., 0]",
        )
    if array.dtype.kind not in "biuf":
        raise ImageError(
            expected=f"real numbers in the {name}", got=f"dtype {array.dtype}", hint=f"{name}.astype(float)"
        )
    return array


def _checked_size(size: tuple[int, int]) -> tuple[int, int]:
    try:
        kh, kw = (index(length) for length in size)
        if min(kh, kw) >= 1:
            return kh, kw
    except (TypeError, ValueError):
        pass
    raise SettingsError(expected="a kernel size of two whole numbers of at least 1", got=shown(size), hint="(3, 3)")


def _check_target(
    shape: tuple[int, ...], expected: tuple[int, int], image_shape: tuple[int, ...], size: tuple[int, int]
) -> None:
    if shape != expected:
        raise ShapeError(
            expected=f"a target of shape {expected} for an image of shape {image_shape} and a kernel of size {size}",
            got=f"shape {shape}",
            hint="the padding and stride that made it",
        )


def _checked_mask(mask: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    kept = np.asarray(mask)
    if kept.dtype != np.bool_:
        raise ImageError(expected="a mask of booleans", got=f"dtype {kept.dtype}", hint="mask != 0")
    if kept.shape != shape:
        raise ShapeError(
            expected=f"a mask of the target's shape {shape}", got=f"shape {kept.shape}", hint="one flag per output"
        )
    if not kept.any():
        raise ImageError(
            expected="a mask that leaves some output",
            got=f"False at all {kept.size} of them",
            hint="True where an output is to be used",
        )
    return kept


def _checked_shift(shift: tuple[float, float] | None, image: Summary, target: Summary) -> tuple[float, float]:
    if shift is None:
        return image.centre, target.centre
    if not np.isfinite(shift).all():
        raise SettingsError(expected="finite shifts", got=str(shift), hint="shift=None, which takes the means")
    return float(shift[0]), float(shift[1])


def _planes(
    pixels: NDArray[Any],
    response: NDArray[Any],
    size: tuple[int, int],
    convention: Convention,
    kept: NDArray[np.bool_] | None,
) -> tuple[Plane, Plane]:
    """Return image, padded, and target, not yet shifted."""
    # Padding the numbers of the rows, from 1 on, tells where each row of the padded image comes from.
    rows, columns = (
        convention.pad(np.arange(1, length + 1)[:, None], (taps, 1))[:, 0] - 1
        for length, taps in zip(pixels.shape, size, strict=True)
    )
    covered = None
    if kept is not None or convention.stride > 1:
        outputs = np.broadcast_to(np.True_, response.shape) if kept is None else kept
        covered = Coverage(outputs, size, convention.stride)
    return (
        Plane("image", pixels, rows, columns, covered),
        Plane(
            "target",
            response,
            np.arange(response.shape[0]),
            np.arange(response.shape[1]),
            None if kept is None else Coverage(kept, (1, 1), 1),
        ),
    )


def _add_moments(
    moments: NDArray[np.float64],
    image: Plane,
    target: Plane,
    size: tuple[int, int],
    convention: Convention,
    kept: NDArray[np.bool_] | None,
) -> None:
    """Add the moments by whichever way is faster; what is masked may be taken away again from the whole."""
    p, outputs = prod(size), prod(target.shape)
    used = outputs if kept is None else int(np.count_nonzero(kept))
    # Nanoseconds, as measured on one core: copying and multiplying a patch; transforming a pixel, filling a block.
    each = 2 * p + p * p / 40
    windows = 1.5e7 + 30 * prod(image.shape) + 50 * p * p
    if convention.stride == 1 and windows + (outputs - used) * each < used * each:
        add_windows(moments, image, target, size, flip=convention.flip)
        if kept is not None and used < outputs:
            add_patches(moments, image, target, size, flip=convention.flip, kept=~kept, sign=-1)
    else:
        add_patches(moments, image, target, size, stride=convention.stride, flip=convention.flip, kept=kept)
