"""Lay image, target and kernel on one pixel grid: from settings to the problem that the solvers know."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.convolution import Convention, Padding
from convkit.convolution.convention import check_fits
from convkit.errors import ShapeError

Size = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Aligned:
    """Windows of an image, beside what the filter made of them.

    Attributes
    ----------
    image : ndarray
        Padded or cropped so that its valid windows are exactly the target's.
    target : ndarray
    padding : Padding or None
        None when the border rule is unknown and only interior pixels are used.
    offset : (int, int)
        Where the kernel's first tap sits relative to the output pixel.
    """

    image: NDArray[Any]
    target: NDArray[Any]
    padding: Padding | None
    offset: Size


def centred(inner: Size, outer: Size) -> Size:
    """Rows and columns before an inner window that sits in the middle of an outer one: ``(K - k) // 2``.

    Examples
    --------
    >>> centred((3, 3), (5, 6))
    (1, 1)
    """
    return (outer[0] - inner[0]) // 2, (outer[1] - inner[1]) // 2


def embed(taps: NDArray[Any], outer: Size, before: Size) -> NDArray[Any]:
    """Surround taps with zeros.

    Examples
    --------
    >>> embed(np.ones((1, 1)), (2, 3), (0, 1)).tolist()
    [[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """
    surrounded = np.zeros(outer, dtype=taps.dtype)
    surrounded[before[0] : before[0] + taps.shape[0], before[1] : before[1] + taps.shape[1]] = taps
    return surrounded


def anchored(inner: Size, outer: Size) -> Size:
    """Rows and columns before an inner window that answers to the same output pixel: ``(K-1)//2 - (k-1)//2``.

    So two kernels lie that both take an image to one of its own size; for even sizes it is not the middle.

    Examples
    --------
    >>> anchored((1, 2), (1, 3)), centred((1, 2), (1, 3))
    ((0, 1), (0, 0))
    """
    return (outer[0] - 1) // 2 - (inner[0] - 1) // 2, (outer[1] - 1) // 2 - (inner[1] - 1) // 2


def laid_together(
    first: NDArray[Any], second: NDArray[Any], before: Callable[[Size, Size], Size] = centred
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Zero-pad two kernels to one size, each laid by a rule, so that they can be compared tap by tap.

    Examples
    --------
    >>> a, b = laid_together(np.ones((1, 3)), np.ones((3, 1)))
    >>> a.tolist()
    [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]
    """
    outer = union(first.shape, second.shape)
    return (
        embed(first, outer, before(first.shape, outer)),
        embed(second, outer, before(second.shape, outer)),
    )


def union(first: Size, second: Size) -> Size:
    """Return the size that holds both sizes."""
    return max(first[0], second[0]), max(first[1], second[1])


def align_made(image: NDArray[Any], response: NDArray[Any], outer: Size, size: Size, convention: Convention) -> Aligned:
    """Cut out the windows of the kernel sought, in the middle of the windows that made the response.

    Parameters
    ----------
    image : ndarray
        Before padding.
    response : ndarray
        Made under the convention by a kernel of size ``outer``.
    outer, size : (int, int)
        ``size`` fits into ``outer``.
    """
    padded = convention.pad(image, outer)
    before = centred(size, outer)
    if convention.flip:  # a turned kernel has its last tap first
        before = outer[0] - size[0] - before[0], outer[1] - size[1] - before[1]
    rows, columns = (
        slice(b, b + (n - 1) * convention.stride + k) for b, n, k in zip(before, response.shape, size, strict=True)
    )
    origin = convention.offset(outer)
    return Aligned(padded[rows, columns], response, convention.padding, (origin[0] + before[0], origin[1] + before[1]))


def align_pair(image: NDArray[Any], target: NDArray[Any], size: Size, convention: Convention) -> Aligned:
    """Find which windows of an image a given target answers to.

    A target of the shape that the convention gives is taken so. Under ``valid``, the default, one of the image's
    own size (or what the stride leaves of it) is taken as centred, and only outputs whose window lies inside the
    image are used: the border rule is unknown.

    Raises
    ------
    ShapeError
        When neither holds, or the kernel is larger than the image.
    """
    check_fits(image.shape, size)
    if target.shape == convention.output_shape(image.shape, size):
        return Aligned(convention.pad(image, size), target, convention.padding, convention.offset(size))
    centre = Convention(Padding.ZERO, convention.stride)
    if convention.padding is not Padding.VALID or target.shape != centre.output_shape(image.shape, size):
        raise _unexplained(image.shape, target.shape, size, convention)
    offset = centre.offset(size)
    crop = [
        _interior(image.shape[axis], target.shape[axis], size[axis], offset[axis], convention.stride) for axis in (0, 1)
    ]
    return Aligned(image[crop[0][0], crop[1][0]], target[crop[0][1], crop[1][1]], None, offset)


def _interior(image_length: int, target_length: int, taps: int, offset: int, stride: int) -> tuple[slice, slice]:
    """Along one axis, the image pixels and the outputs whose windows lie wholly inside the image."""
    first = -(offset // stride)  # smallest i with stride·i + offset >= 0
    last = min(target_length - 1, (image_length - taps - offset) // stride)
    begin = stride * first + offset
    return slice(begin, stride * last + offset + taps), slice(first, last + 1)


def _unexplained(image: Size, target: Size, size: Size, convention: Convention) -> ShapeError:
    valid = Convention(Padding.VALID, convention.stride).output_shape(image, size)
    same = Convention(Padding.ZERO, convention.stride).output_shape(image, size)
    expected = convention.output_shape(image, size)
    explained = (
        f"{expected[0]}x{expected[1]} ({convention.padding})"
        if convention.padding is not Padding.VALID
        else f"{valid[0]}x{valid[1]} (valid) or {same[0]}x{same[1]} (same size)"
    )
    hint = "--padding or --stride as the filter had them, or another --size"
    for stride in range(2, 17):
        if target in (
            Convention(Padding.VALID, stride).output_shape(image, size),
            Convention(Padding.ZERO, stride).output_shape(image, size),
        ):
            hint = f"--stride {stride}, which explains this size"
            break
    return ShapeError(
        expected=f"a target of {explained} for an image of {image[0]}x{image[1]}, a {size[0]}x{size[1]} kernel and "
        f"stride {convention.stride}",
        got=f"a target of {target[0]}x{target[1]}",
        hint=hint,
    )
