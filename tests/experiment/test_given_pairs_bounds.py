"""Error bars and errors of kernels from two 8-bit files, with no hint but the files, over many kernels."""

import cv2
import numpy as np
import PIL.Image
import pytest
from skimage import data

from convkit import Recovery, learn_kernel


def recovered(folder, before: np.ndarray, response: np.ndarray) -> Recovery:
    for name, values in (("before", before), ("after", np.rint(np.clip(response, 0, 255)).astype(np.uint8))):
        PIL.Image.fromarray(values).save(folder / f"{name}.png")
    return learn_kernel(folder / "before.png", target=folder / "after.png")


def laid(taps: np.ndarray, offset: tuple[int, int], reach: int) -> np.ndarray:
    grid = np.zeros((2 * reach + 1, 2 * reach + 1))
    grid[reach + offset[0] :, reach + offset[1] :][: taps.shape[0], : taps.shape[1]] = taps
    return grid


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.0, 2.0])
@pytest.mark.parametrize("kind", ["camera", "chart"])
def test_the_error_bars_cover(noise: float, kind: str, tmp_path) -> None:
    """Over 100 random 3x3 kernels the 95 % intervals hold the truth 92 to 98 % of the time."""
    rng = np.random.default_rng(11)
    chart = rng.integers(0, 256, (200, 200), dtype=np.uint8)
    inside, taps_seen = 0, 0
    for index in range(100):
        top, left = rng.integers(0, 312, 2)
        before = chart if kind == "chart" else np.ascontiguousarray(data.camera()[top : top + 200, left : left + 200])
        kernel = rng.uniform(0.3, 1.0, (3, 3)) * rng.choice([-1, 1], (3, 3), p=[0.3, 0.7])
        kernel /= np.abs(kernel).sum()
        response = cv2.filter2D(before.astype(float), -1, kernel) * 0.8 + 25
        if noise:
            response += rng.normal(0, noise, response.shape)
        found = recovered(tmp_path, before, response)
        learned = laid(found.kernel.learned, found.convention.offset, 8)[7:10, 7:10]
        errors = laid(found.kernel.standard_error, found.convention.offset, 8)[7:10, 7:10]
        seen = errors > 0
        inside += int((np.abs(learned - 0.8 * kernel)[seen] <= 1.96 * errors[seen]).sum())
        taps_seen += int(seen.sum())
        assert found.kernel.learned.shape == (3, 3), index
    assert taps_seen >= 850
    assert 0.92 <= inside / taps_seen <= 0.98


def shaken(rng: np.random.Generator) -> np.ndarray:
    """A motion blur of 13x13: a random walk of a camera, spread over its four nearest taps."""
    path = np.cumsum(np.cumsum(rng.normal(0, 1, (200, 2)), axis=0), axis=0)
    path -= (path.max(axis=0) + path.min(axis=0)) / 2
    path *= 5.9 / np.abs(path).max()
    kernel = np.zeros((13, 13))
    for y, x in path + 6:
        i, j = int(y), int(x)
        for a, b in ((0, 0), (0, 1), (1, 0), (1, 1)):
            kernel[i + a, j + b] += (1 - abs(y - i - a)) * (1 - abs(x - j - b))
    return kernel / kernel.sum()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["camera", "uniform", "bernoulli"])
def test_motion_blurs_are_found_to_the_cramer_rao_bound(kind: str, tmp_path) -> None:
    """RMS relative error over 50 kernels and crops within 10 % of what rounding to 8 bits allows for 13x13 taps."""
    rng = np.random.default_rng(12)
    errors, bounds = [], []
    for _ in range(50):
        top, left = rng.integers(0, 257, 2)
        if kind == "camera":
            before = np.ascontiguousarray(data.camera()[top : top + 255, left : left + 255])
        elif kind == "uniform":
            before = rng.integers(0, 256, (255, 255), dtype=np.uint8)
        else:
            before = (255 * rng.integers(0, 2, (255, 255))).astype(np.uint8)
        kernel = shaken(rng)
        found = recovered(tmp_path, before, cv2.filter2D(before.astype(float), -1, kernel))
        reach = 40
        learned, truth = laid(found.kernel.learned, found.convention.offset, reach), laid(kernel, (-6, -6), reach)
        errors.append(np.square(learned - truth).sum() / np.square(kernel).sum())
        windows = np.lib.stride_tricks.sliding_window_view(before / 255, (13, 13)).reshape(-1, 169)
        centred = windows - windows.mean(axis=0)
        inverse = np.linalg.inv(centred.T @ centred)
        bounds.append(np.trace(inverse) / 255**2 / 12 / np.square(kernel).sum())
    assert np.sqrt(np.mean(errors)) <= 1.10 * np.sqrt(np.mean(bounds))
