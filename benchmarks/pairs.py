"""Kernels from before/after pairs of 8-bit pictures, beside what people paste into their programs.

For every case: the worst tap error, the verdict (only convkit gives one) and the seconds. The snippet is ordinary least
squares over all patches, with the true size given; convkit is not told it. scikit-image and PyLops offer deconvolution
with a known kernel, not the search for one from a pair, and so have no column.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import PIL.ImageFilter
from side_by_side import write
from skimage import data

from convkit import learn_kernel

Picture = np.ndarray
Filter = Callable[[Picture], Picture]
REACH = 60


def to_bytes(values: np.ndarray) -> Picture:
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)


def main() -> None:
    camera = data.camera()
    chart = np.random.default_rng(0).integers(0, 256, (512, 512), dtype=np.uint8)
    rows = []
    print(f"{'case':34} {'convkit':>9} {'snippet':>9} {'fourier':>9}  {'seconds':>20}  verdict")
    for name, before, kernel, make in cases(camera, chart):
        after = make(before)
        row: dict[str, object] = {"case": name, "linear": kernel is not None}
        for solve in (convkit, snippet, fourier):
            began = time.perf_counter()
            found, verdict = solve(before, after, (1, 1) if kernel is None else kernel.shape)
            row[solve.__name__] = {
                "worst": None if kernel is None else float(np.abs(found - centred(kernel)).max()),
                "seconds": time.perf_counter() - began,
                "verdict": verdict,
            }
        rows.append(row)
        told = [row[solve.__name__] for solve in (convkit, snippet, fourier)]
        errors = " ".join(f"{'—':>9}" if one["worst"] is None else f"{one['worst']:9.1e}" for one in told)
        wrong = "" if (told[0]["verdict"] != "not-linear") == row["linear"] else "  WRONG"
        seconds = " ".join(f"{one['seconds']:6.2f}" for one in told)
        print(f"{name:34} {errors}  {seconds}  {told[0]['verdict']}{wrong}", flush=True)
    write("pairs", rows)


def centred(kernel: np.ndarray) -> np.ndarray:
    return laid(kernel, (-(kernel.shape[0] - 1) // 2, -(kernel.shape[1] - 1) // 2))


def cases(camera: Picture, chart: Picture) -> list[tuple[str, Picture, np.ndarray | None, Filter]]:
    def pillow(name: str) -> Filter:
        return lambda x: np.asarray(PIL.Image.fromarray(x).filter(getattr(PIL.ImageFilter, name)))

    def opencv(taps: np.ndarray, noise: float = 0.0, bias: float = 0.0) -> Filter:
        return lambda x: to_bytes(
            cv2.filter2D(x.astype(float), -1, taps) + bias + noise * np.random.default_rng(1).standard_normal(x.shape)
        )

    sobel = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    outline = np.array([[-1.0, -1, -1], [-1, 8, -1], [-1, -1, -1]])
    gaussian = cv2.getGaussianKernel(9, 1.5) @ cv2.getGaussianKernel(9, 1.5).T
    motion = np.eye(13) / 13
    smooth = np.array([[1.0, 1, 1], [1, 5, 1], [1, 1, 1]]) / 13
    return [
        ("Pillow SMOOTH, camera", camera, smooth, pillow("SMOOTH")),
        ("Pillow CONTOUR, camera", camera, outline, pillow("CONTOUR")),
        ("Gaussian 9x9, camera", camera, gaussian, opencv(gaussian)),
        ("motion 13x13, camera", camera, motion, opencv(motion)),
        ("motion 13x13, chart", chart, motion, opencv(motion)),
        ("Sobel clipped, camera", camera, sobel, opencv(sobel)),
        ("Sobel clipped, noise 2, camera", camera, sobel, opencv(sobel, 2.0)),
        ("Sobel clipped, noise 2, chart", chart, sobel, opencv(sobel, 2.0)),
        ("Gaussian 9x9, noise 2, camera", camera, gaussian, opencv(gaussian, 2.0)),
        ("median 3x3, camera", camera, None, lambda x: cv2.medianBlur(x, 3)),
        ("gamma 1.1, camera", camera, None, lambda x: to_bytes(255 * (x / 255) ** 1.1)),
        ("bilateral, camera", camera, None, lambda x: cv2.bilateralFilter(x, 5, 30, 3)),
    ]


def convkit(before: Picture, after: Picture, _size: tuple[int, int]) -> tuple[np.ndarray, str]:
    with tempfile.TemporaryDirectory() as name:
        paths = [Path(name) / side for side in ("before.png", "after.png")]
        for path, picture in zip(paths, (before, after), strict=True):
            PIL.Image.fromarray(picture).save(path)
        found = learn_kernel(paths[0], target=paths[1])
    return laid(found.kernel.learned, found.convention.offset), str(found.fit.verdict)


def snippet(before: Picture, after: Picture, size: tuple[int, int]) -> tuple[np.ndarray, str]:
    """Ten lines of least squares: every patch a row, the size known."""
    kh, kw = size
    patches = np.lib.stride_tricks.sliding_window_view(before / 255, size)
    rows = np.hstack([patches.reshape(-1, kh * kw), np.ones((patches.shape[0] * patches.shape[1], 1))])
    top, left = (kh - 1) // 2, (kw - 1) // 2
    target = (after / 255)[top : top + patches.shape[0], left : left + patches.shape[1]].ravel()
    return laid(np.linalg.lstsq(rows, target)[0][:-1].reshape(size), (-top, -left)), ""


def fourier(before: Picture, after: Picture, _size: tuple[int, int]) -> tuple[np.ndarray, str]:
    """Spectra divided, with a small ridge, as if the picture were periodic."""
    x, y = (np.fft.fft2(side / 255 - side.mean() / 255) for side in (before, after))
    power = np.abs(x) ** 2
    response = np.real(np.fft.ifft2(y * np.conj(x) / (power + 1e-4 * power.mean())))
    # y = Σ k[u]·x[i + u + o], so that the response at -u - o is k[u].
    centred = np.roll(response[::-1, ::-1], (REACH + 1, REACH + 1), (0, 1))
    return centred[: 2 * REACH + 1, : 2 * REACH + 1], ""


def laid(taps: np.ndarray, offset: tuple[int, int]) -> np.ndarray:
    """Taps on the pixel grid around the output."""
    grid = np.zeros((2 * REACH + 1, 2 * REACH + 1))
    top, left = REACH + offset[0], REACH + offset[1]
    grid[top : top + taps.shape[0], left : left + taps.shape[1]] = taps
    return grid


if __name__ == "__main__":
    main()
