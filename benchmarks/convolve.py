"""Every convolution backend beside OpenCV, SciPy and a plain F.conv2d: float32, valid, milliseconds."""

import cv2
import numpy as np
import scipy.signal
import torch
from side_by_side import medians, write

from convkit import convolve
from convkit.convolution import Backend
from convkit.convolution.backends import choose_backend


def main() -> None:
    rng = np.random.default_rng(0)
    rows = []
    print(f"{'image':>6} {'kernel':>7} {'auto':>7} " + " ".join(f"{name:>11}" for name in _NAMES))
    for side in (512, 2048):
        image = rng.random((side, side), dtype=np.float32)
        for size in (3, 5, 7, 11, 15, 31, 63):
            kernel = rng.random((size, size)) / size**2
            seconds = medians(_ways(image, kernel), repeats=5 if side < 1000 else 3)
            auto = choose_backend((side - size + 1,) * 2, size * size)
            rows.append({"side": side, "kernel": size, "auto": str(auto), "seconds": seconds})
            told = " ".join(f"{seconds[name] * 1e3:11.1f}" if name in seconds else f"{'-':>11}" for name in _NAMES)
            print(f"{side:>6} {size:>7} {auto:>7} {told}")
    write("convolve", rows)


_NAMES = ("shift", "conv2d", "fft", "cv2", "F.conv2d", "oaconvolve")


def _ways(image: np.ndarray, kernel: np.ndarray) -> dict:
    taps = kernel.astype(np.float32)
    tensors = torch.from_numpy(image)[None, None], torch.from_numpy(taps)[None, None]
    ways = {
        backend: lambda backend=backend: convolve(image, kernel, backend=backend)
        for backend in (Backend.SHIFT, Backend.CONV2D, Backend.FFT)
        if backend is not Backend.SHIFT or kernel.size <= 225
    }
    return ways | {
        "cv2": lambda: cv2.filter2D(image, -1, taps),
        "F.conv2d": lambda: torch.nn.functional.conv2d(*tensors),
        "oaconvolve": lambda: scipy.signal.oaconvolve(image, taps, mode="valid"),
    }


if __name__ == "__main__":
    main()
