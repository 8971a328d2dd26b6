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


def medians(ways: Mapping[str, Callable[[], object]], repeats: int = 5) -> dict[str, float]:
    """Return the median seconds of each way, after one run that does not count.

    One way after the other, not in turns: the idle threads of one library's pool slow down the next one's call
    (a 2 ms conv2d right after OpenCV took 250).
    """
    return {name: statistics.median(_seconds(way, repeats)) for name, way in ways.items()}


def _seconds(way: Callable[[], object], repeats: int) -> list[float]:
    way()
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        way()
        taken.append(time.perf_counter() - began)
    return taken


def machine() -> dict[str, Any]:
    """Return what the figures depend on."""
    packages = ("numpy", "torch", "opencv-python-headless", "scipy")
    return {
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in packages},
    }


def write(name: str, rows: list[dict[str, Any]]) -> None:
    """Write the figures beside this file."""
    folder = Path(__file__).parent / "results"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps({"machine": machine(), "rows": rows}, indent=1) + "\n")
