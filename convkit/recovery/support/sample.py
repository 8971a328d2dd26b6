"""The outputs that a search looks at: rows spread over the picture, of those that the format did not cut off."""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.convolution.backends import choose_backend
from convkit.recovery.normal_equations import NormalEquations
from convkit.recovery.parameters import Parameters
from convkit.recovery.problem import Pair
from convkit.recovery.recording import Recording
from convkit.recovery.registered import Registered
from convkit.recovery.support.window import Window

# Pictures up to twice this are looked at whole; of larger ones so many outputs tell the size.
_OUTPUTS = 1 << 19
# Where more than a few outputs are left out, the normal equations go patch by patch, in a time of outputs · taps²:
# then so many pixels of patches are looked at, but as many outputs per tap at least.
_FEW = 0.02
_PRODUCTS = 3e7
_OUTPUTS_PER_TAP = 20
_BANDS = 4
# Each band of a window of so many taps takes the normal equations as long as some hundred thousand pixels.
_MANY_TAPS = 1000


@dataclass(frozen=True, eq=False)
class Model:
    """A kernel found so far.

    Attributes
    ----------
    window : Window
    point : Parameters
        ``taps`` of the window's size.
    """

    window: Window
    point: Parameters

    def response(self, image: NDArray[np.floating[Any]], window: Window) -> NDArray[np.floating[Any]]:
        """Return what it makes of the image that belongs to the windows of a larger or equal size."""
        rows, columns = self.window.slices_in(window)
        bottom, right = window.size[0] - rows.stop, window.size[1] - columns.stop
        seen = image[rows.start : image.shape[0] - bottom, columns.start : image.shape[1] - right]
        shape = seen.shape[0] - self.window.size[0] + 1, seen.shape[1] - self.window.size[1] + 1
        correlate = choose_backend(shape, self.point.taps).load()
        return correlate(seen.astype(np.float64, copy=False), self.point.taps) + self.point.bias


@dataclass(frozen=True, eq=False)
class Sample:
    """A scene, and which of its outputs are used.

    Outputs on a rail of the format are left out: by their value, or once a model is known by its prediction.
    With noise a value is biased where it decides about itself (Greene, *Econometrica* 49, 1981); a prediction
    does not see the noise.

    Attributes
    ----------
    scene : Registered
        At stride 1.
    recording : Recording
    model : Model or None
    margin : float
        Predictions must keep this distance from the rails, so that noise does not reach them.
    """

    scene: Registered
    recording: Recording
    model: Model | None = None
    margin: float = 0.0

    @classmethod
    def of(cls, scene: Registered, recording: Recording) -> "Sample":
        """Lay the outputs of a stride on the image's own grid, so that lags are those of the image."""
        s = scene.stride
        if s == 1:
            return cls(scene, recording)
        shape = tuple(s * (length - 1) + 1 for length in scene.target.shape)
        target, mask = np.zeros(shape), np.zeros(shape, np.bool_)
        target[::s, ::s] = scene.target
        mask[::s, ::s] = True if scene.mask is None else scene.mask
        return cls(Registered(scene.image, target, 1, mask), recording)

    def predicted_by(self, model: Model, margin: float) -> "Sample":
        """Select outputs by prediction from now on."""
        return replace(self, model=model, margin=margin)

    def pairs(self, window: Window) -> tuple[Pair, ...]:
        """Return the bands of rows looked at, for one window, with a mask of the outputs used."""
        whole = self.scene.pair(window.size, window.offset)
        return tuple(self._band(whole, top, bottom, window) for top, bottom in self._bands(window))

    def condense(self, window: Window, *, bias: bool) -> NormalEquations | None:
        """Return the normal equations of a window; None if no output is left."""
        found: NormalEquations | None = None
        for pair in self.pairs(window):
            if not pair.count:
                continue
            shift = None if found is None else (found.image_shift, found.target_shift)
            equations = NormalEquations.of(pair.image, pair.target, window.size, mask=pair.mask, bias=bias, shift=shift)
            found = equations if found is None else found + equations
        return found

    def share(self, window: Window) -> float:
        """Return which share of the outputs is looked at."""
        rows, _ = self.scene.interior(window.size, window.offset)
        looked_at = sum(bottom - top for top, bottom in self._bands(window))
        return float(looked_at / max(rows.stop - rows.start, 1))

    @cached_property
    def usable(self) -> float:
        """Share of the outputs that are not on a rail, as every 16th row tells."""
        kept = ~self.recording.saturated(self.scene.target[::16])
        if self.scene.mask is not None:
            kept &= self.scene.mask[::16]
        return float(np.count_nonzero(kept) / max(kept.size, 1))

    def _bands(self, window: Window) -> list[tuple[int, int]]:
        rows, columns = self.scene.interior(window.size, window.offset)
        height, width = rows.stop - rows.start, columns.stop - columns.start
        if not height or not width:
            return []
        wanted = float(_OUTPUTS)
        if self.usable < 1 - _FEW:
            products = max(_PRODUCTS / window.taps, _OUTPUTS_PER_TAP * window.taps)
            wanted = min(wanted, products / max(self.usable, _FEW))
        needed = math.ceil(wanted / width)
        if 2 * needed >= height:
            return [(0, height)]
        count = _BANDS if window.taps < _MANY_TAPS else 2
        band = math.ceil(needed / count)
        return [(int(top), int(top) + band) for top in np.linspace(0, height - band, count)]

    def _band(self, whole: Pair, top: int, bottom: int, window: Window) -> Pair:
        image, target = whole.image[top : bottom + window.size[0] - 1], whole.target[top:bottom]
        if self.model is None:
            kept = ~self.recording.saturated(target)
        else:
            kept = self.recording.clear(self.model.response(image, window), self.margin)
        if whole.mask is not None:
            kept &= whole.mask[top:bottom]
        return Pair(image, target, None if kept.all() else kept)
