"""Time several ways of doing the same thing in one run."""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

PAUSE = 0.5

README = Path(__file__).resolve().parents[1] / "README.md"


def medians(ways: Mapping[str, Callable[[], object]], repeats: int = 5) -> dict[str, float]:
    """Return the median seconds of each way, after one run that does not count."""
    return {name: statistics.median(taken) for name, taken in seconds(ways, repeats).items()}


def seconds(ways: Mapping[str, Callable[[], object]], repeats: int = 5, rounds: int = 1) -> dict[str, list[float]]:
    """Return the sorted seconds of each way, after one run that does not count.

    One way after the other, not in turns, and each after a pause: the threads of one library's pool that still wait
    for work slow down the next one's call (a 2 ms conv2d right after OpenCV took 250). In several rounds where a state
    of the machine that lasts for seconds, such as how dear new memory is, would else fall on one of them alone.
    """
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            taken[name] += _seconds(way, repeats)
    return {name: sorted(each) for name, each in taken.items()}


def _seconds(way: Callable[[], object], repeats: int) -> list[float]:
    time.sleep(PAUSE)
    way()
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        way()
        taken.append(time.perf_counter() - began)
    return taken


def ratio(theirs: list[float], ours: list[float]) -> dict[str, float]:
    """How many times as fast we are: by the medians, and between opposite quartiles."""
    return {
        "median": statistics.median(theirs) / statistics.median(ours),
        "low": _quartile(theirs, 1) / _quartile(ours, 3),
        "high": _quartile(theirs, 3) / _quartile(ours, 1),
    }


def _quartile(taken: list[float], which: int) -> float:
    return taken[(len(taken) - 1) * which // 4]


def told(figures: dict[str, float]) -> str:
    """Write a ratio with its spread."""
    return f"{figures['median']:.2f}x ({figures['low']:.2f}–{figures['high']:.2f})"


def machine() -> dict[str, Any]:
    """Return what the figures depend on."""
    import cv2
    import torch

    from convkit.threads import thread_count

    packages = ("numpy", "torch", "opencv-python-headless", "scipy", "pillow")
    return {
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "threads": {"convkit": thread_count(), "torch": torch.get_num_threads(), "opencv": cv2.getNumThreads()},
        "load before": os.getloadavg()[0],
        "python": platform.python_version(),
        "versions": {name: version(name) for name in packages},
    }


def write(name: str, rows: list[dict[str, Any]]) -> None:
    """Write the figures beside this file."""
    folder = Path(__file__).parent / "results"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps({"machine": machine(), "rows": rows}, indent=1) + "\n")


def write_table(name: str, table: list[list[str]]) -> None:
    """Put a table between the marks that the README has for it; the first row is its head."""
    begin, end = f"<!-- bench:{name} -->\n", f"<!-- /bench:{name} -->"
    head, *body = (f"| {' | '.join(row)} |" for row in table)
    text = README.read_text()
    start, stop = text.index(begin) + len(begin), text.index(end)
    lines = [head, "|---" * len(table[0]) + "|", *body]
    README.write_text(text[:start] + "\n".join(lines) + "\n" + text[stop:])
