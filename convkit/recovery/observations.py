"""An image and its response, checked, and laid out so that moments can be taken."""

from dataclasses import dataclass, replace
from math import prod
from operator import index
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convkit.convolution.convention import Convention, Padding, check_fits
from convkit.errors import ImageError, SettingsError, ShapeError
from convkit.recovery.patches import Weights, add_patches
from convkit.recovery.plane import Coverage, Plane
from convkit.recovery.windows import add_windows
from convkit.text import shown


@dataclass(frozen=True, eq=False)
class Observations:
    """Windows of an image, and what the filter made of each.

    Attributes
    ----------
    image : Plane, shape ((oh - 1)·s + kh, ...) or a little larger
        Padded, so that its valid windows are those of the convention.
    target : Plane, shape (oh, ow)
    size : (int, int)
        The kernel's ``(kh, kw)``.
    convention : Convention
    weights : ndarray of float64 or bool, shape (oh, ow), or None
        What each output counts for, none below 0; None where all count for 1.
    """

    image: Plane
    target: Plane
    size: tuple[int, int]
    convention: Convention
    weights: Weights | None

    def about(self, image_shift: float, target_shift: float = 0.0) -> "Observations":
        """Return them with these shifts subtracted from the pixels as they are read."""
        return replace(
            self, image=replace(self.image, shift=image_shift), target=replace(self.target, shift=target_shift)
        )

    def moments(self, image_shift: float, target_shift: float, *, device: str = "cpu") -> NDArray[np.float64]:
        """Return ``Σ z zᵀ`` with ``z = (patch - image_shift, 1, y - target_shift)``, by whichever way is faster.

        What outputs lack of weight 1 may be taken away again from the whole, where pixels that none of those used
        sees are 0, so that nothing large is subtracted.

        Returns
        -------
        ndarray, shape (p + 2, p + 2)
            Symmetric to the last bit.
        """
        p, flip, stride = prod(self.size), self.convention.flip, self.convention.stride
        moved = self.about(image_shift, target_shift)
        image, target = moved.image, moved.target
        moments = np.zeros((p + 2, p + 2))
        lacking = None if self.weights is None else _lacking(self.weights)
        outputs = prod(target.shape)
        used = outputs if self.weights is None else int(np.count_nonzero(self.weights))
        left_out = 0 if lacking is None else int(np.count_nonzero(lacking))
        if stride == 1 and _windows_pay(p, prod(image.shape), used, left_out):
            add_windows(moments, image, target, self.size, flip=flip, device=device)
            if lacking is not None:
                add_patches(moments, image, target, self.size, flip=flip, weights=lacking, sign=-1)
        else:
            add_patches(moments, image, target, self.size, stride=stride, flip=flip, weights=self.weights)
        return moments


def _lacking(weights: Weights) -> Weights:
    """Return what outputs lack of weight 1."""
    if weights.dtype == np.bool_:
        return np.logical_not(weights)  # an eighth of the memory, and of the time to search it
    return np.maximum(1.0 - weights, 0.0)


def _windows_pay(taps: int, pixels: int, used: int, left_out: int) -> bool:
    """Whether all windows at once, less those left out, are faster than the patches of the outputs used.

    In nanoseconds as measured on one core: to copy and multiply a patch; to transform a pixel and fill the matrix.
    """
    patch = 10 + 2 * taps + taps * taps / 40
    return 1e7 + 20 * pixels + 50 * taps * taps + left_out * patch < used * patch


def observe(
    image: ArrayLike,
    target: ArrayLike,
    size: tuple[int, int],
    *,
    padding: str | Padding | None = "valid",
    stride: int = 1,
    flip: bool = False,
    mask: ArrayLike | None = None,
    weights: ArrayLike | None = None,
) -> Observations:
    """Check that image, response, kernel and mask fit together; the parameters are `NormalEquations.of`'s.

    Raises
    ------
    SettingsError, ShapeError, ImageError
        As told there; pixels are not looked at yet.

    Examples
    --------
    >>> observe([[1, 2, 4]], [[3, 6]], (1, 2)).moments(0.0, 0.0)
    array([[ 5., 10.,  3., 15.],
           [10., 20.,  6., 30.],
           [ 3.,  6.,  2.,  9.],
           [15., 30.,  9., 45.]])
    """
    kernel, stride = _checked_size(size), _checked_stride(stride)
    pixels, response = _real(image, "image"), _real(target, "target")
    convention = Convention(Padding.parse("valid" if padding is None else padding), stride, flip)
    check_fits(pixels.shape, kernel)
    _check_target(response.shape, convention.output_shape(pixels.shape, kernel), pixels.shape, kernel)
    counted: Weights | None = None if mask is None else _checked_mask(mask, response.shape)
    if weights is not None:
        given = _checked_weights(weights, response.shape)
        counted = given if counted is None else counted * given
    kept = None if counted is None else counted != 0
    # Padding the numbers of the rows, from 1 on, tells where each row of the padded image comes from.
    rows, columns = (
        convention.pad(np.arange(1, length + 1)[:, None], (taps, 1))[:, 0] - 1
        for length, taps in zip(pixels.shape, kernel, strict=True)
    )
    seen = None
    if kept is not None or stride > 1:
        outputs = np.broadcast_to(np.True_, response.shape) if kept is None else kept
        seen = Coverage(outputs, kernel, stride)
    return Observations(
        Plane("image", pixels, rows, columns, seen),
        Plane(
            "target",
            response,
            np.arange(response.shape[0]),
            np.arange(response.shape[1]),
            None if kept is None else Coverage(kept, (1, 1), 1),
        ),
        kernel,
        convention,
        counted,
    )


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


def _checked_stride(stride: int) -> int:
    try:
        return index(stride)
    except TypeError as error:
        raise SettingsError(expected="a whole number as stride", got=shown(stride), hint="stride=1") from error


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


def _checked_weights(weights: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    given = np.asarray(weights, dtype=np.float64)
    if given.shape != shape:
        raise ShapeError(
            expected=f"weights of the target's shape {shape}", got=f"shape {given.shape}", hint="one weight per output"
        )
    if not (given.min() >= 0.0 and given.max() <= 1.0 and given.any()):
        raise ImageError(
            expected="weights from 0 to 1, some of them above 0",
            got=f"weights from {given.min():g} to {given.max():g}",
            hint="weights / weights.max()",
        )
    return given
