"""Apply a kernel to an image under a convention, with any backend."""

import functools
import math
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from convkit.convolution.backends import Backend, Correlate, check_device, choose_backend
from convkit.convolution.convention import Convention, Padding
from convkit.convolution.fft import largest_gain
from convkit.convolution.rounding import headroom, partial_sums, row_groups
from convkit.convolution.strips import Largest
from convkit.errors import ImageError, SettingsError
from convkit.image import Image, image_from_array, not_finite, read_image
from convkit.kernel import Kernel
from convkit.text import shown, whole
from convkit.threads import look_through

# float32 holds every whole number up to here.
_FLOAT32_EXACT = 2.0**24
# How much larger than the largest response the sum of all magnitudes, Σ|k| · max|x|, may be before float32 loses
# more than a millionth of it: measured on noise, smooth and flat pictures and waves, 0.17 millionths for each unit.
_DIRECT_LOSS = 6.5
# An FFT rounds the spectrum, and of waves and stripes at few frequencies: the kernel's largest gain counts, which is at
# least the root of the squares of its taps; 0.1 to 0.14 millionths a unit, on stripes of a few pixels up to 0.5.
_FFT_LOSS = 3.0
# More samples than a tile has.
_FFT_TILE = 2.0**40
# Rows of a response that are looked at first.
_SOME = 16


def convolve(
    image: ArrayLike | str | PathLike[str] | Image,
    kernel: ArrayLike | str | Kernel,
    *,
    padding: str | Padding = "valid",
    stride: int = 1,
    flip: bool = False,
    backend: str | Backend = "auto",
    dtype: DTypeLike | None = None,
    device: str = "cpu",
) -> NDArray[np.floating[Any]]:
    """Apply a kernel to an image: ``y[i, j] = Σ k[u, v] · x[s·i + u + o₀, s·j + v + o₁] + b``.

    Parameters
    ----------
    image : array_like, shape (H, W), or image text
        An array is taken as it is; text is a file, a pattern or a matrix (pictures are scaled to [0, 1]); or an
        image that was read.
    kernel : array_like, shape (kh, kw), kernel text or Kernel
        Correlation taps. Of a named kernel with an offset of its own (Pillow's emboss), that is ``b``.
    padding : str
        ``valid``, ``zero``, ``replicate``, ``reflect``, ``symmetric``, ``circular`` or ``full``.
    stride : int
        Keep every ``stride``-th output.
    flip : bool
        True turns the kernel by 180° first: convolution in the mathematician's sense.
    backend : str
        ``auto``, ``naive``, ``shift``, ``matmul``, ``separable``, ``fft``, ``conv2d`` or ``embedding_bag``.
    dtype : dtype, optional
        ``float32`` or ``float64``; by default the image's own, and float32 for integers that it holds exactly.
    device : str
        Torch device, for the backend ``conv2d``.

    Returns
    -------
    ndarray, float32 or float64

    Raises
    ------
    ConvkitError
        When image or kernel cannot be read, do not fit together, or a setting is out of range.

    Examples
    --------
    >>> convolve([[2, 1, 0], [9, 5, 4], [2, 3, 4]], "0,1;2,3")
    array([[34., 22.],
           [18., 22.]], dtype=float32)
    """
    if not isinstance(image, Image):
        # `apply` sees each pixel, and whether it is finite, anyway.
        image = read_image(image) if isinstance(image, str | PathLike) else image_from_array(image, finite=False)
    convention = Convention(Padding.parse(padding), whole("--stride", stride, 1), flip)
    return apply(image, Kernel.of(kernel), convention, backend=Backend.parse(backend), dtype=dtype, device=device)[0]


def apply(
    image: Image,
    kernel: Kernel,
    convention: Convention,
    *,
    backend: Backend | None = None,
    dtype: DTypeLike | None = None,
    device: str = "cpu",
) -> tuple[NDArray[np.floating[Any]], Backend]:
    """Do what `convolve` does, and tell by which backend; None chooses.

    The automatic choice looks at what came out: where the products of a float32 image cancel so far that rounding
    them costs more than a millionth of the largest response, it computes again in float64; and so does any backend
    whose sums went beyond float32 on the way.
    """
    kind = picture_type(image, dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        taps = kernel.taps.astype(kind)
        chosen = backend or _choose(image, taps, convention, device)
        check_device(device)
        # The phases of a stride each see a part of the image, and nothing that could be told of the whole.
        seen = Largest() if convention.stride == 1 else None
        response = correlate(image.values.astype(kind, copy=False), taps, convention, chosen.load(device, seen))
        brightest = seen.value if seen else image.largest
        if not math.isfinite(brightest) and not math.isfinite(image.largest):
            raise not_finite()
        scale = float(np.abs(kernel.taps).sum())
        # No sum on the way, of pixels or of products, is larger; half of the largest number leaves room for rounding.
        # An FFT multiplies by the spectrum of a whole tile.
        largest_sum = (_FFT_TILE * scale if chosen is Backend.FFT else max(scale, taps.size)) * brightest
        held = bool(np.isfinite(taps).all()) and largest_sum + abs(kernel.bias) <= float(np.finfo(kind).max) / 2
        spilled = not held and not math.isfinite(_largest(response))
        lost = backend is None and kind == np.float32 and _cancels(kernel.taps, brightest, response, chosen)
        if lost or (spilled and kind == np.float32):
            chosen = backend or _choose(image, kernel.taps, convention, device)
            exactly = correlate(image.values.astype(np.float64), kernel.taps, convention, chosen.load(device))
            response = exactly.astype(kind)
        if kernel.bias:
            response += response.dtype.type(kernel.bias)
    if not held and not (np.isfinite(taps).all() and math.isfinite(_largest(response))):
        raise ImageError(
            expected=f"an image and a kernel whose response {response.dtype} can hold",
            got=f"numbers as large as {image.largest:.3g}",
            hint="--dtype float64, or smaller numbers",
        )
    return response, chosen


def _choose(image: Image, taps: NDArray[np.floating[Any]], convention: Convention, device: str) -> Backend:
    """Choose by the taps of one phase of the stride, which has the response's size."""
    phase = taps[:: convention.stride, :: convention.stride]
    return choose_backend(convention.output_shape(image.shape, (taps.shape[0], taps.shape[1])), phase, device=device)


def _cancels(taps: NDArray[np.float64], image: float, response: NDArray[Any], backend: Backend) -> bool:
    """Tell from the largest pixel and the response whether so much cancels that float32 is not enough."""
    least = image * _least_response(taps.tobytes(), (taps.shape[0], taps.shape[1]), backend)
    # A few rows mostly tell that enough is left.
    some = Largest()
    some.add(response[:: len(response) // _SOME + 1])
    return some.value < least and 0 < _largest(response) < least


@functools.lru_cache(maxsize=8)
def _least_response(taps: bytes, shape: tuple[int, int], backend: Backend) -> float:
    """Return how large the response of an image in [-1, 1] must be for a millionth of it to be kept in float32."""
    kernel = np.frombuffer(taps).reshape(shape)
    scale = float(np.abs(kernel).sum())
    if backend is Backend.FFT:
        return min(scale, largest_gain(kernel)) / _FFT_LOSS
    if backend is Backend.SHIFT:
        return scale / headroom(kernel)
    if backend in (Backend.CONV2D, Backend.EMBEDDING_BAG):
        return partial_sums(kernel) / min(headroom(rows) for _, rows in row_groups(kernel))
    return scale / _DIRECT_LOSS


def _largest(values: NDArray[np.floating[Any]]) -> float:
    largest = Largest()
    look_through(values, largest.add)
    return largest.value


def correlate(
    image: NDArray[Any], taps: NDArray[Any], convention: Convention, valid: Correlate
) -> NDArray[np.floating[Any]]:
    """Apply taps under a convention by a backend that knows only valid cross-correlation.

    Parameters
    ----------
    image : ndarray, shape (H, W), float32 or float64
    taps : ndarray, shape (kh, kw)
    convention : Convention
    valid : function
        ``(H, W), (kh, kw) -> (H - kh + 1, W - kw + 1)``.

    Raises
    ------
    ShapeError
        When the kernel is larger than the image.
    """
    padded = convention.pad(image, taps.shape)
    kernel = (taps[::-1, ::-1] if convention.flip else taps).astype(image.dtype)
    response: NDArray[np.floating[Any]] = strided(padded, kernel, convention.stride, valid)
    return response


def strided(image: Any, kernel: Any, stride: int, valid: Any) -> Any:
    """Every ``stride``-th output of a valid cross-correlation, without computing the others.

    The image and the kernel fall into ``stride²`` phases, ``x[p::s, q::s]`` and ``k[p::s, q::s]``, and the
    responses of the phases add up (Vaidyanathan, *Multirate Systems and Filter Banks*, section 4.3). Arrays and
    tensors alike.

    Examples
    --------
    >>> from convkit.convolution.naive import correlate
    >>> strided(np.arange(5.0)[None], np.ones((1, 3)), 2, correlate)
    array([[3., 9.]])
    """
    if stride == 1:
        return valid(image, kernel)
    kh, kw = kernel.shape
    height, width = (image.shape[0] - kh) // stride + 1, (image.shape[1] - kw) // stride + 1
    total = None
    for p in range(min(stride, kh)):
        for q in range(min(stride, kw)):
            taps = kernel[p::stride, q::stride]
            phase = image[p::stride, q::stride]
            part = valid(phase[: height + taps.shape[0] - 1, : width + taps.shape[1] - 1], taps)
            total = part if total is None else total + part
    return total


def picture_type(picture: Image, asked: DTypeLike | None = None) -> np.dtype[Any]:
    """Type to compute in for an image: float32 if its numbers were integers that it holds exactly, else its own."""
    exact = picture.bits is not None or (picture.level is not None and picture.largest <= _FLOAT32_EXACT)
    return float_type(np.dtype(np.float32) if exact else picture.values.dtype, asked)


def float_type(own: np.dtype[Any], asked: DTypeLike | None = None) -> np.dtype[Any]:
    """Type to compute in: the one asked for, else the image's float type, else float32."""
    if asked is None:
        return own
    try:
        chosen = np.dtype(asked)
    except TypeError:
        chosen = None
    if chosen not in (np.float32, np.float64):
        raise SettingsError(expected="dtype float32 or float64", got=shown(asked), hint="--dtype float64")
    return np.dtype(chosen)
