"""The automatic choice beside OpenCV, SciPy and a plain F.conv2d: float32, the whole call, in one process."""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import scipy.ndimage
import scipy.signal
import torch
from side_by_side import ratio, seconds, told, write, write_table

from convkit import convolve
from convkit.convolution.backends import choose_backend

SIDE = 4096
SIZES = (3, 5, 7, 9, 11, 15, 31, 63, 127)
REPEATS, ROUNDS = 4, 8
# What takes seconds is timed on a quarter of the rows and counted four times.
SLOW_SHARE = 4
GOALS = {3: 1, 5: 1, 7: 1, 9: 1, 11: 1, 15: 2.5, 31: 2, 63: 2, 127: 1.5}


def main() -> None:
    rng = np.random.default_rng(0)
    image = rng.random((SIDE, SIDE), dtype=np.float32)
    rows, table = [], [["image", "kernel", "backend", "ms", "OpenCV", "goal", "F.conv2d", "oaconvolve", "ndimage"]]
    for size in SIZES:
        kernel = rng.random((size, size)) / size**2
        found = _measure(image, kernel)
        rows.append({"side": SIDE, "kernel": size} | found)
        table.append(_line(f"{SIDE}²", f"{size}x{size}", found, f"{GOALS[size]:g}x"))
    for name, taps in (("Gaussian", cv2.getGaussianKernel(31, 5.0)[:, 0]), ("box", np.full(31, 1 / 31))):
        found = _compare(image, np.outer(taps, taps), lambda taps=taps: cv2.sepFilter2D(image, -1, taps, taps))
        rows.append({"side": SIDE, "kernel": f"{name} 31", "against": "sepFilter2D"} | found)
        table.append(_line(f"{SIDE}²", f"{name} 31x31, against `sepFilter2D`", found, "1x"))
    small = np.ascontiguousarray(image[:512, :512])
    kernel = rng.random((3, 3)) / 9
    found = _compare(small, kernel, lambda: cv2.filter2D(small, -1, kernel.astype(np.float32)), repeats=300)
    rows.append({"side": 512, "kernel": 3} | found)
    table.append(_line("512²", "3x3, with the call's overhead", found, "0.67x"))
    rows.append(_without_torch())
    write("convolve", rows)
    write_table("convolve", table)


def _measure(image: np.ndarray, kernel: np.ndarray) -> dict[str, Any]:
    taps = kernel.astype(np.float32)
    found = _compare(image, kernel, lambda: cv2.filter2D(image, -1, taps))
    part = image[: SIDE // SLOW_SHARE + len(taps) - 1]
    tensors = torch.from_numpy(part)[None, None], torch.from_numpy(taps)[None, None]
    ways: dict[str, Callable[[], object]] = {
        "oaconvolve": lambda: scipy.signal.oaconvolve(part, taps[::-1, ::-1], mode="valid"),
    }
    if len(taps) <= 31:
        ways["F.conv2d"] = lambda: torch.nn.functional.conv2d(*tensors)
    if len(taps) <= 15:
        ways["ndimage"] = lambda: scipy.ndimage.correlate(part, taps)
    for name, taken in seconds(ways, 3).items():
        found["seconds"][name] = [SLOW_SHARE * each for each in taken]
        found["ratio"][name] = ratio(found["seconds"][name], found["seconds"]["convkit"])
    return found


def _compare(
    image: np.ndarray, kernel: np.ndarray, opencv: Callable[[], object], repeats: int = REPEATS
) -> dict[str, Any]:
    taken = seconds({"OpenCV": opencv, "convkit": lambda: convolve(image, kernel)}, repeats, ROUNDS)
    shape = image.shape[0] - len(kernel) + 1, image.shape[1] - len(kernel) + 1
    return {
        "backend": str(choose_backend(shape, kernel.astype(np.float32))),
        "seconds": taken if repeats < 50 else {name: each[:: len(each) // 10] for name, each in taken.items()},
        "ratio": {"OpenCV": ratio(taken["OpenCV"], taken["convkit"])},
    }


def _line(image: str, kernel: str, found: dict[str, Any], goal: str) -> list[str]:
    ours = found["seconds"]["convkit"]
    milliseconds = f"{ours[len(ours) // 2] * 1e3:.3g}"
    others = [f"{found['ratio'][name]['median']:.1f}x" if name in found["ratio"] else "" for name in _OTHERS]
    line = [image, kernel, found["backend"], milliseconds, told(found["ratio"]["OpenCV"]), goal, *others]
    print(" ".join(f"{cell:>18}" for cell in line))
    return line


_OTHERS = ("F.conv2d", "oaconvolve", "ndimage")

_ALONE = """
import json, sys, time, numpy as np, convkit
rng = np.random.default_rng(0)
image = rng.random((4096, 4096), dtype=np.float32)
found = {}
for size in map(int, sys.argv[1:]):
    kernel = rng.random((size, size)) / size**2
    taken = []
    for _ in range(6):
        began = time.perf_counter()
        convkit.convolve(image, kernel)
        taken.append(time.perf_counter() - began)
    found[size] = sorted(taken[1:])[2]
print(json.dumps(found))
"""


def _without_torch() -> dict[str, Any]:
    """The same call in a process that has not loaded torch."""
    import json

    done = subprocess.run(
        [sys.executable, "-c", _ALONE, *map(str, SIZES)], check=True, capture_output=True, text=True, env=os.environ
    )
    found = json.loads(done.stdout)
    print("without torch, ms:", {size: round(1e3 * each, 1) for size, each in found.items()})
    return {"side": SIDE, "without torch": found}


if __name__ == "__main__":
    main()
