"""convkit: kernel recovery. Find the filter between two images, and apply kernels.

``y = k * x + b``. Given ``x`` and ``k``, `convolve` applies the kernel; given ``x`` and ``y``, `learn_kernel`
finds it. Names are imported when first used, so that ``import convkit`` loads neither torch nor NumPy.

>>> import convkit
>>> convkit.convolve("1,2,3", "1,1")
array([[3., 5.]], dtype=float32)
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convkit.convolution import convolve
    from convkit.convolution.module import Conv2D
    from convkit.errors import ConvkitError
    from convkit.experiment import Comparison, Experiment, Recovery, compare, learn_kernel
    from convkit.image import load_image, save_image
    from convkit.kernel import Kernel
    from convkit.recovery import NormalEquations

__version__ = "0.1.0"

_HOME = {
    "Comparison": "convkit.experiment",
    "Conv2D": "convkit.convolution.module",
    "ConvkitError": "convkit.errors",
    "Experiment": "convkit.experiment",
    "Kernel": "convkit.kernel",
    "NormalEquations": "convkit.recovery",
    "Recovery": "convkit.experiment",
    "compare": "convkit.experiment",
    "convolve": "convkit.convolution",
    "learn_kernel": "convkit.experiment",
    "load_image": "convkit.image",
    "save_image": "convkit.image",
}

__all__ = [
    "Comparison",
    "Conv2D",
    "ConvkitError",
    "Experiment",
    "Kernel",
    "NormalEquations",
    "Recovery",
    "compare",
    "convolve",
    "learn_kernel",
    "load_image",
    "save_image",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'convkit' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
