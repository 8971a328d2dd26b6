"""An image's autocorrelation and its correlation with a target on a torch device, in float64."""

import logging
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from convkit.convolution.fft import next_fast_length
from convkit.recovery.autocorrelation import Correlations
from convkit.recovery.plane import Plane
from convkit.recovery.tiles import Tile

if TYPE_CHECKING:
    import torch

# Rows of outputs transformed at once: the more, the fewer are transformed twice; of 4096 columns, 70 MB a spectrum.
_ROWS = 1024

_log = logging.getLogger("convkit")


def correlate_on_device(image: Plane, target: Plane, size: tuple[int, int], device: str) -> Correlations:
    """Do what `correlate_planes` does, by long FFTs in strips of rows.

    The pairs of pixels at a lag of up to kh - 1 rows are those of a strip with the same strip and the rows below it, so
    every pair counts once, in the strip of its upper pixel. Spectra add up, and are transformed back once.

    Parameters
    ----------
    image : Plane, shape (oh + kh - 1, ow + kw - 1)
    target : Plane, shape (oh, ow)
    size : (int, int)
        ``(kh, kw)``.
    device : str
        What torch calls it. When its memory is too small, strips get narrower, which is logged.

    Examples
    --------
    >>> x, y = (Plane("", np.array([row]), np.arange(1), np.arange(len(row))) for row in ([1, 2, 4], [1, 10]))
    >>> found = correlate_on_device(x, y, (1, 2), "cpu")
    >>> found.lags.round(9), found.cross.round(9)
    (array([[10., 21., 10.]]), array([[21., 42.]]))
    """
    import torch

    rows = min(_ROWS, target.shape[0])
    while True:
        try:
            with torch.inference_mode():
                return _Strips(image, target, size, torch.device(device), rows).correlations()
        except torch.OutOfMemoryError:
            if rows == 1:
                raise
            rows = -(-rows // 2)
            _log.warning("the image is too large for the memory of %s; correlating in strips of %d rows", device, rows)


class _Strips:
    """Strips of an image and its target, and the sums of their spectra."""

    def __init__(self, image: Plane, target: Plane, size: tuple[int, int], device: "torch.device", rows: int) -> None:
        import torch

        self.image, self.target, self.size, self.device, self.rows = image, target, size, device, rows
        # Long enough that no lag asked for wraps around onto another.
        self.shape = next_fast_length(rows + size[0] - 1), next_fast_length(image.shape[1] + size[1] - 1)
        half = self.shape[0], self.shape[1] // 2 + 1
        self.own, self.cross = (torch.zeros(half, dtype=torch.complex128, device=device) for _ in range(2))
        self.sums = np.zeros(3)

    def correlations(self) -> Correlations:
        oh, height, (kh, kw) = self.target.shape[0], self.image.shape[0], self.size
        for top in range(0, oh, self.rows):
            bottom = min(top + self.rows, oh)
            below = self._spectrum(self._read(self.image, top, bottom + kh - 1))
            pixels, response = self._read(self.image, top, bottom), self._read(self.target, top, bottom)
            self.own += self._spectrum(pixels).conj() * below
            self.cross += self._spectrum(response).conj() * below
            self.sums += [float(part.sum()) for part in (pixels, response, response.square())]
        for top in range(oh, height, self.rows):  # no output begins there
            pixels = self._read(self.image, top, min(top + self.rows, height))
            below = self._spectrum(self._read(self.image, top, min(top + self.rows + kh - 1, height)))
            self.own += self._spectrum(pixels).conj() * below
            self.sums[0] += float(pixels.sum())
        lags, cross = self._lags(self.own), self._lags(self.cross)
        around = np.arange(1 - kw, kw)  # negative lags lie at the end of a circular correlation
        return Correlations(lags[:, around], np.ascontiguousarray(cross[:, :kw]), *self.sums.tolist())

    def _read(self, plane: Plane, top: int, bottom: int) -> "torch.Tensor":
        import torch

        return torch.from_numpy(plane.read(Tile(top, bottom, 0, plane.shape[1]))).to(self.device)

    def _spectrum(self, values: "torch.Tensor") -> "torch.Tensor":
        import torch

        found: torch.Tensor = torch.fft.rfft2(values, self.shape)
        return found

    def _lags(self, spectrum: "torch.Tensor") -> NDArray[np.float64]:
        import torch

        found: NDArray[np.float64] = torch.fft.irfft2(spectrum, self.shape)[: self.size[0]].cpu().numpy()
        return found
