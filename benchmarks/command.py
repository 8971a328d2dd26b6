"""Whole processes: `convkit convolve` from PNG to PNG beside `vips conv`, and what starting up costs."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from side_by_side import ratio, seconds, told, write, write_table

SOBEL = "3 3 1 0\n-1 0 1\n-2 0 2\n-1 0 1\n"
GOALS = {4096: "0.77x", 512: "0.33x"}


def main() -> None:
    rows, table = [], [["process", "against", "ms", "speed", "goal", "bytes, ours : theirs"]]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "sobel.mat").write_text(SOBEL)
        for side in (4096, 512):
            if shutil.which("vips") is None:
                print("no vips on this machine: left out")
                continue
            source = folder / f"{side}.png"
            cv2.imwrite(str(source), _picture(side))
            ours, theirs = folder / "ours.png", folder / "theirs.png"
            ways = {
                "vips": _run("vips", "conv", source, theirs, folder / "sobel.mat"),
                "convkit": _convkit("convolve", source, "-k", "sobel", "--map", "clip", "-o", ours, "-q"),
            }
            found = _compare(ways, "vips")
            found["bytes"] = {"convkit": ours.stat().st_size, "vips": theirs.stat().st_size}
            rows.append({"side": side} | found)
            sizes = f"{found['bytes']['convkit'] / found['bytes']['vips']:.2f}"
            table.append(_line(f"PNG → PNG, Sobel, {side}²", "`vips conv`", found, "vips", GOALS[side], sizes))
    for option in ("--help", "--version"):
        ways = {"import torch": _run(sys.executable, "-c", "import torch"), "convkit": _convkit(option)}
        found = _compare(ways, "import torch")
        rows.append({"option": option} | found)
        table.append(_line(f"`{option}`", "`import torch`", found, "import torch", "6.7x", ""))
    write("command", rows)
    write_table("command", table)


def _picture(side: int) -> np.ndarray:
    """Smooth areas, edges and a little noise, as a photograph has."""
    rng = np.random.default_rng(0)
    smooth = cv2.GaussianBlur(rng.standard_normal((side, side)).astype(np.float32), (0, 0), 3)
    smooth = (smooth - smooth.min()) / np.ptp(smooth) + 0.01 * rng.standard_normal((side, side))
    return (smooth.clip(0, 1) * 255).astype(np.uint8)


def _run(*arguments: object) -> Callable[[], object]:
    return lambda: subprocess.run([str(each) for each in arguments], check=True, capture_output=True)


def _convkit(*arguments: object) -> Callable[[], object]:
    return _run(sys.executable, "-m", "convkit", *arguments)


def _compare(ways: dict[str, Callable[[], object]], other: str) -> dict[str, Any]:
    taken = seconds(ways, 5, rounds=3)
    return {"seconds": taken, "ratio": ratio(taken[other], taken["convkit"])}


def _line(what: str, against: str, found: dict[str, Any], other: str, goal: str, sizes: str) -> list[str]:
    ours, theirs = (found["seconds"][name][len(found["seconds"][name]) // 2] * 1e3 for name in ("convkit", other))
    line = [what, against, f"{ours:.0f} : {theirs:.0f}", told(found["ratio"]), goal, sizes]
    print(" ".join(f"{cell:>24}" for cell in line))
    return line


if __name__ == "__main__":
    main()
