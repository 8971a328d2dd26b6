"""Learning beside a plain F.conv2d loop: one step through the image, and forty steps on the Gram matrix.

The plain loop runs in float64 up to 1024², and in float32 at 4096²: in float64 it would unfold its input to 30 GB.
"""

import statistics
import time

import numpy as np
import torch
from side_by_side import write

from convkit import convolve, learn_kernel

STEPS = 3
REPEATS = 4


def main() -> None:
    rng = np.random.default_rng(0)
    rows = []
    print("one step, autograd through conv2d, milliseconds")
    print(f"{'image':>6} {'kernel':>7} {'convkit':>9} {'plain':>9} {'ratio':>7}")
    for side, size in ((64, 3), (512, 5), (512, 15), (1024, 15)):
        image, kernel = rng.random((side, side)), rng.random((size, size))
        ours = statistics.median(_convkit(image, kernel) for _ in range(REPEATS))
        plain = statistics.median(_plain(image, kernel) for _ in range(REPEATS))
        rows.append({"side": side, "kernel": size, "seconds_per_step": {"convkit": ours, "plain": plain}})
        print(f"{side:>6} {size:>7} {ours * 1e3:9.2f} {plain * 1e3:9.2f} {plain / ours:7.2f}")
    print("forty steps, gram: the whole call with exact answer and error bars, seconds")
    print(f"{'image':>6} {'kernel':>7} {'convkit':>9} {'plain':>9} {'ratio':>7}")
    for side, size, kind in ((512, 5, np.float64), (1024, 15, np.float64), (4096, 15, np.float32)):
        image, kernel = rng.random((side, side)), rng.random((size, size))
        target = convolve(image, kernel)
        ours = statistics.median(_forty(image, target, kernel) for _ in range(REPEATS))
        plain = 40 * statistics.median(_plain(image.astype(kind), kernel.astype(kind)) for _ in range(REPEATS // 2))
        rows.append({"side": side, "kernel": size, "seconds_for_40_steps": {"convkit": ours, "plain": plain}})
        print(f"{side:>6} {size:>7} {ours:9.2f} {plain:9.2f} {plain / ours:7.1f}")
    write("learn", rows)


def _forty(image: np.ndarray, target: np.ndarray, kernel: np.ndarray) -> float:
    began = time.perf_counter()
    learn_kernel(image, kernel, target, steps=40)
    return time.perf_counter() - began


def _convkit(image: np.ndarray, kernel: np.ndarray) -> float:
    # Beside its steps a run finds the exact answer and looks at the last loss: the difference of two runs has neither.
    short, long = (
        learn_kernel(image, kernel, steps=steps, lr=1e-9, backend="conv2d").seconds for steps in (STEPS, 3 * STEPS)
    )
    return (long - short) / (2 * STEPS)


def _plain(image: np.ndarray, kernel: np.ndarray) -> float:
    pixels = torch.from_numpy(image)[None, None]
    target = torch.nn.functional.conv2d(pixels, torch.from_numpy(kernel)[None, None])
    weight = torch.zeros_like(torch.from_numpy(kernel))[None, None].requires_grad_()
    optimizer = torch.optim.SGD([weight], lr=1e-9)
    began = time.perf_counter()
    for _ in range(STEPS):
        optimizer.zero_grad()
        ((torch.nn.functional.conv2d(pixels, weight) - target) ** 2).sum().backward()
        optimizer.step()
    return (time.perf_counter() - began) / STEPS


if __name__ == "__main__":
    main()
