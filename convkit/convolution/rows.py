"""Filter an image that memory does not hold: some rows of the response at a time."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from convkit.convolution.apply import apply, float_type
from convkit.convolution.backends import Backend, choose_backend
from convkit.convolution.convention import NUMPY_MODES, Convention, Padding, check_fits
from convkit.errors import ImageError
from convkit.image import Image, Kind, Rows
from convkit.kernel import Kernel

# Pixels of a strip: much more than a kernel's rows, which are read twice, and little beside a gigabyte.
_STRIP = 1 << 23
_KERNELS = 4
# Where there is no row of the image but a row of zeros; far from every other, so that runs of rows end here.
_ZEROS = -(1 << 40)


class FilteredRows:
    """The response of an image that is read, and given out, by rows.

    Parameters
    ----------
    image : Rows
    kernel : Kernel
    convention : Convention
    backend : Backend, optional
        None chooses.
    dtype : dtype, optional
        float32 or float64; the image's own if not given.
    device : str

    Attributes
    ----------
    shape : (int, int)
    dtype : dtype
    backend : Backend
    minimum, maximum : float
        Of the strips given out so far.

    Raises
    ------
    ShapeError
        When the kernel is larger than the image.
    """

    def __init__(
        self,
        image: Rows,
        kernel: Kernel,
        convention: Convention,
        *,
        backend: Backend | None = None,
        dtype: DTypeLike | None = None,
        device: str = "cpu",
    ) -> None:
        check_fits(image.shape, kernel.shape)
        self.image, self.kernel, self.convention, self.device = image, kernel, convention, device
        self.dtype = float_type(image.dtype, dtype)
        self.shape = convention.output_shape(image.shape, kernel.shape)
        self.rows = max(1, _STRIP // image.shape[1], _KERNELS * kernel.shape[0]) // convention.stride or 1
        self._asked = backend
        taps = kernel.taps[:: convention.stride, :: convention.stride].astype(self.dtype)
        self.backend = backend or choose_backend((self.rows, self.shape[1]), taps, device=device)
        self.minimum, self.maximum = np.inf, -np.inf

    def strips(self, advance: Callable[[int], None] = lambda _: None) -> Iterator[NDArray[np.floating[Any]]]:
        """Compute the response from top to bottom; tell ``advance`` how many rows are done.

        Raises
        ------
        ImageError
            When a pixel is NaN or infinite, or the response is.
        """
        lines = self._lines()
        tops = range(0, self.shape[0], self.rows)
        # One strip is read while the one before it is computed.
        with ThreadPoolExecutor(1) as reader:
            coming = reader.submit(self._read, lines, 0)
            for top in tops:
                strip = coming.result()
                if top != tops[-1]:
                    coming = reader.submit(self._read, lines, top + self.rows)
                response = self._respond(strip, top)
                self.minimum = min(self.minimum, float(response.min()))
                self.maximum = max(self.maximum, float(response.max()))
                yield response
                advance(len(response))

    def _lines(self) -> NDArray[np.int64]:
        """Which row of the image each row of the padded image is."""
        height = self.image.shape[0]
        (above, below), _ = self.convention.margins(self.kernel.shape)
        lines = np.arange(height)
        if self.convention.padding in (Padding.VALID, Padding.ZERO, Padding.FULL):
            return np.pad(lines, (above, below), constant_values=_ZEROS)
        return np.pad(lines, (above, below), mode=NUMPY_MODES[self.convention.padding])

    def _read(self, lines: NDArray[np.int64], top: int) -> NDArray[np.floating[Any]]:
        """Read what a strip of the response needs, padded."""
        stride = self.convention.stride
        bottom = min(top + self.rows, self.shape[0])
        needed = lines[top * stride : (bottom - 1) * stride + self.kernel.shape[0]]
        runs = np.split(needed, np.flatnonzero(np.abs(np.diff(needed)) > 1) + 1)
        blocks = []
        for run in runs:
            if run[0] == _ZEROS:
                blocks.append(np.zeros((len(run), self.image.shape[1]), self.image.dtype))
                continue
            low = int(run.min())
            block = self.image.read(low, int(run.max()) + 1)
            blocks.append(block if len(run) == len(block) and run[0] == low else block[run - low])
        strip = blocks[0] if len(blocks) == 1 else np.vstack(blocks)
        _, sides = self.convention.margins(self.kernel.shape)
        if sides == (0, 0):
            return strip
        return np.pad(strip, ((0, 0), sides), mode=NUMPY_MODES[self.convention.padding])

    def _respond(self, strip: NDArray[np.floating[Any]], top: int) -> NDArray[np.floating[Any]]:
        image = Image(strip, Kind.MATRIX, self.image.path.stem)
        if not np.isfinite(image.largest):
            raise ImageError(
                expected="an image of finite numbers",
                got=f"NaN or infinity near row {top * self.convention.stride}",
                hint="numpy.nan_to_num",
            )
        convention = Convention(stride=self.convention.stride, flip=self.convention.flip)
        # The backend of the whole, unless the choice is free, which also lets it turn to float64 where much cancels.
        backend = None if self._asked is None else self.backend
        return apply(image, self.kernel, convention, backend=backend, dtype=self.dtype, device=self.device)[0]
