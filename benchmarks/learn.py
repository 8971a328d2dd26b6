"""Learning beside a plain F.conv2d loop: one step through the image, and forty steps on the Gram matrix.

The plain loop runs in float64 up to 1024², and in float32 at 4096²: in float64 it would unfold its input to 30 GB.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial

import numpy as np
import torch
from side_by_side import write

from convkit import NormalEquations, convolve, learn_kernel

STEPS = 3
CONVKIT = [sys.executable, "-m", "convkit", "learn-kernel"]
LAUNCH = """
import resource, subprocess, sys, time
began = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
# Prints the seconds, and the most memory that is not a mapped file, seen every 10 ms.
MEASURE = """
import re, threading, time
from pathlib import Path
from convkit import learn_kernel

def anonymous():
    return int(re.search(r"RssAnon:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

def measure(folder):
    seen, over = [anonymous()], threading.Event()
    def watch():
        while not over.wait(0.01):
            seen.append(anonymous())
    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.perf_counter()
    learn_kernel(f"{folder}/x.npy", target=f"{folder}/y.npy", kernel=f"{folder}/k.npy", steps=40)
    seconds = time.perf_counter() - began
    over.set(); watcher.join()
    print(seconds, max(seen) - seen[0])
"""
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
    rows += equations(rng, plain / 40)
    rows += big_kernels(rng)
    rows += whole_processes(rng, plain)
    rows += growing_images(rng)
    write("learn", rows)


def equations(rng: np.random.Generator, step: float) -> list[dict[str, object]]:
    """Condense sixteen megapixels, beside one plain autograd step of a 15x15 kernel."""
    print("normal equations, 4096², seconds, and in plain steps of 15x15")
    image = rng.random((4096, 4096), dtype=np.float32)
    rows: list[dict[str, object]] = []
    for size in (15, 31, 63):
        target = image[size - 1 :, size - 1 :]
        seconds = statistics.median(_timed(partial(NormalEquations.of, image, target, (size, size))) for _ in range(3))
        rows.append({"equations": size, "seconds": seconds, "in_plain_steps": seconds / step})
        print(f"{'':>6} {size:>7} {seconds:9.2f} {seconds / step:9.3f}", flush=True)
    return rows


def big_kernels(rng: np.random.Generator) -> list[dict[str, object]]:
    print("exact answer, 12 megapixels, seconds")
    rows: list[dict[str, object]] = []
    for size in (15, 31, 63):
        image, kernel = rng.random((3000, 4000)), rng.random((size, size))
        target = convolve(image, kernel)
        began = time.perf_counter()
        found = learn_kernel(image, target=target, size=size, solver="exact")
        seconds = time.perf_counter() - began
        error = float(np.abs(found.kernel.learned - kernel).max())
        rows.append({"megapixels": 12, "kernel": size, "seconds_exact": seconds, "worst": error})
        print(f"{'':>6} {size:>7} {seconds:9.2f}   worst tap error {error:.1e}", flush=True)
    return rows


def whole_processes(rng: np.random.Generator, plain: float) -> list[dict[str, object]]:
    """The command from its start to its end, beside forty plain steps and beside importing torch."""
    with tempfile.TemporaryDirectory() as folder:
        image, kernel = rng.random((4096, 4096)), rng.random((15, 15))
        for name, values in (("x", image), ("y", convolve(image, kernel)), ("k", kernel)):
            np.save(f"{folder}/{name}.npy", values)
        forty = f"--image {folder}/x.npy --target {folder}/y.npy --kernel {folder}/k.npy --steps 40"
        big = [_process(CONVKIT + forty.split()) for _ in range(3)]
    torch_import = statistics.median(_process([sys.executable, "-c", "import torch"])[0] for _ in range(3))
    lesson = statistics.median(_process([*CONVKIT, "--kernel", "1,-1", "--steps", "40"])[0] for _ in range(3))
    seconds, peak = statistics.median(run[0] for run in big), max(run[1] for run in big)
    print(f"whole process, 4096², 15x15: {seconds:.2f} s, {plain / seconds:.0f} times the plain loop, {peak:.2f} GiB")
    print(f"the lesson as a process: {lesson:.2f} s, {lesson / torch_import:.2f} of importing torch")
    return [
        {"process": "4096² 15x15, 40 steps", "seconds": seconds, "plain": plain, "peak_gib": peak},
        {"process": "lesson", "seconds": lesson, "import_torch": torch_import},
    ]


def growing_images(rng: np.random.Generator) -> list[dict[str, object]]:
    """Memory-mapped images of growing height."""
    print("forty steps from memory-mapped .npy, 9x9, width 4000")
    rows: list[dict[str, object]] = []
    kernel = rng.random((9, 9))
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/k.npy", kernel)
        for height in (250, 1000, 4000, 12500, 25000):
            image = rng.random((height, 4000), dtype=np.float32)
            np.save(f"{folder}/x.npy", image)
            np.save(f"{folder}/y.npy", convolve(image, kernel))
            del image
            call = f"{MEASURE}measure(r'{folder}')"
            seconds, anonymous = map(float, subprocess.check_output([sys.executable, "-c", call], text=True).split())
            megapixels = height * 4000 / 1e6
            rows.append({"megapixels": megapixels, "seconds": seconds, "anonymous_mib": anonymous})
            print(f"{megapixels:>6.0f} {seconds:9.2f} s {1e3 * seconds / megapixels:9.1f} ms/Mpx {anonymous:9.0f} MiB")
    return rows


def _timed(call) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _process(command: list[str]) -> tuple[float, float]:
    """Seconds and peak resident GiB of a process, started by a small one: a child's peak includes its parent's size."""
    told = subprocess.check_output([sys.executable, "-c", LAUNCH, *command], text=True)
    seconds, kibibytes = map(float, told.split()[-2:])
    return seconds, kibibytes / 2**20


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
