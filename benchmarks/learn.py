"""A step of convkit's learning beside one of a plain F.conv2d loop: float64, forward and back, milliseconds."""

import statistics
import time

import numpy as np
import torch
from side_by_side import write

from convkit import learn_kernel

STEPS = 3
REPEATS = 4


def main() -> None:
    rng = np.random.default_rng(0)
    rows = []
    print(f"{'image':>6} {'kernel':>7} {'convkit':>9} {'plain':>9} {'ratio':>6}")
    for side, size in ((64, 3), (512, 5), (512, 15), (1024, 15)):
        image, kernel = rng.random((side, side)), rng.random((size, size))
        ours = statistics.median(_convkit(image, kernel) for _ in range(REPEATS))
        plain = statistics.median(_plain(image, kernel) for _ in range(REPEATS))
        rows.append({"side": side, "kernel": size, "seconds_per_step": {"convkit": ours, "plain": plain}})
        print(f"{side:>6} {size:>7} {ours * 1e3:9.2f} {plain * 1e3:9.2f} {plain / ours:6.2f}")
    write("learn", rows)


def _convkit(image: np.ndarray, kernel: np.ndarray) -> float:
    # The loss of the kernel returned is one more pass, forward only.
    return learn_kernel(image, kernel, steps=STEPS, lr=1e-9).seconds / (STEPS + 0.4)


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
