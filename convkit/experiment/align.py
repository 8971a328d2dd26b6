"""Lay image, target and kernel on one pixel grid: from settings to the problem that the solvers know."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.convolution import Convention, Padding
from convkit.convolution.convention import check_fits
from convkit.errors import ShapeError
from convkit.recovery.problem import Pair
from convkit.recovery.registered import Registered

Size = tuple[int, int]

# Valid windows of a kernel take off at most this share of a side, or it is no plausible kernel.
_MOST_LOST = 0.4
# Rings of zero taps that a filter's window may have around what is found of it: one for so many pixels of a side.
_SPARE, _SMALL = 2, 32


@dataclass(frozen=True, eq=False)
class Aligned:
    """Windows of an image, beside what the filter made of them.

    Attributes
    ----------
    pair : Pair
        The image padded or cropped so that its valid windows are exactly the target's.
    padding : Padding or None
        None when the border rule is unknown and only interior pixels are used.
    offset : (int, int)
        Where the kernel's first tap sits relative to the output pixel.
    rim : (int, int)
        Outputs nearer to the image's edge than this were left out.
    """

    pair: Pair
    padding: Padding | None
    offset: Size
    rim: Size = (0, 0)


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


def align_made(
    image: NDArray[Any],
    response: NDArray[Any],
    outer: Size,
    size: Size,
    convention: Convention,
    mask: NDArray[np.bool_] | None = None,
) -> Aligned:
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
    _check_mask(mask, response.shape)
    padded = convention.pad(image, outer)
    before = centred(size, outer)
    if convention.flip:  # a turned kernel has its last tap first
        before = outer[0] - size[0] - before[0], outer[1] - size[1] - before[1]
    rows, columns = (
        slice(b, b + (n - 1) * convention.stride + k) for b, n, k in zip(before, response.shape, size, strict=True)
    )
    origin = convention.offset(outer)
    pair = Pair(padded[rows, columns], response, mask)
    return Aligned(pair, convention.padding, (origin[0] + before[0], origin[1] + before[1]))


def align_pair(
    image: NDArray[Any],
    target: NDArray[Any],
    size: Size,
    convention: Convention,
    mask: NDArray[np.bool_] | None = None,
) -> Aligned:
    """Find which windows of an image a given target answers to.

    A target of the shape that the convention gives is taken so. Under ``valid``, the default, one of the image's
    own size (or what the stride leaves of it) is taken as centred, and only outputs whose window lies inside the
    image are used: the border rule is unknown.

    Raises
    ------
    ShapeError
        When neither holds, or the kernel is larger than the image, or the mask has another shape than the target.
    """
    check_fits(image.shape, size)
    _check_mask(mask, target.shape)
    if target.shape == convention.output_shape(image.shape, size):
        return Aligned(Pair(convention.pad(image, size), target, mask), convention.padding, convention.offset(size))
    centre = Convention(Padding.ZERO, convention.stride)
    if convention.padding is not Padding.VALID or target.shape != centre.output_shape(image.shape, size):
        raise _unexplained(image.shape, target.shape, size, convention)
    offset = centre.offset(size)
    return Aligned(Registered(image, target, convention.stride, mask).pair(size, offset), None, offset)


def check_registered(
    image: NDArray[Any], target: NDArray[Any], convention: Convention, mask: NDArray[np.bool_] | None
) -> None:
    """Refuse a target that is neither as large as the image nor smaller by what *valid* windows take off.

    Raises
    ------
    ShapeError
        Naming the ratio of the sizes and what to try.
    """
    _check_mask(mask, target.shape)
    same = Convention(Padding.ZERO, convention.stride).output_shape(image.shape, (1, 1))
    if target.shape == same:
        return
    lost = same[0] - target.shape[0], same[1] - target.shape[1]
    if convention.stride == 1 and min(lost) >= 0 and all(n < _MOST_LOST * s for n, s in zip(lost, same, strict=True)):
        return
    raise ShapeError(
        expected=f"a target of the image's size, {image.shape[0]}x{image.shape[1]}, or a little smaller (valid)",
        got=f"{target.shape[0]}x{target.shape[1]}, {_ratio(image.shape, target.shape)}",
        hint=_after_resizing(image.shape, target.shape),
    )


def _ratio(image: Size, target: Size) -> str:
    tall, wide = target[0] / image[0], target[1] / image[1]
    if abs(tall / wide - 1.0) < 0.02:
        return f"{tall:.4g} times the image's size"
    return f"{tall:.4g} times its height and {wide:.4g} times its width"


def _after_resizing(image: Size, target: Size) -> str:
    for stride in range(2, 33):
        if target == Convention(Padding.ZERO, stride).output_shape(image, (1, 1)):
            return f"--stride {stride}, if every {stride}. output was kept"
    if target == image[::-1]:
        return "turning one of them by 90 degrees"
    return "--stride auto, if one of them was resized, or pictures of one size"


def align_found(
    image: NDArray[Any],
    target: NDArray[Any],
    size: Size,
    offset: Size,
    stride: int,
    mask: NDArray[np.bool_] | None = None,
) -> Aligned:
    """Take the outputs whose windows, of a size and place that were found, lie inside the image.

    The border rule of a target as large as the image is unknown; a smaller one has none. A filter's own window may be
    larger than what was found of it: what it does at the border then begins further inside, and is kept away from.
    """
    scene = Registered(image, target, stride, mask)
    if target.shape != Convention(Padding.ZERO, stride).output_shape(image.shape, (1, 1)):
        return Aligned(scene.pair(size, offset), Padding.VALID, offset)
    spare = min(_SPARE, min(image.shape) // _SMALL)
    down, across = (max(-o, o + k - 1, 0) + spare for o, k in zip(offset, size, strict=True))
    return Aligned(scene.pair(size, offset, (down, across)), None, offset, (down, across))


def _check_mask(mask: NDArray[np.bool_] | None, shape: tuple[int, ...]) -> None:
    if mask is not None and mask.shape != shape:
        raise ShapeError(
            expected=f"a mask of the target's {shape[0]}x{shape[1]} pixels",
            got=f"one of {mask.shape[0]}x{mask.shape[1]}",
            hint="a picture of the target's size, 0 where a pixel is not to be used",
        )


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
