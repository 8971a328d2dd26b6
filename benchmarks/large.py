"""Images larger than memory: the whole command on a gigapixel beside sixteen megapixels, and its resident memory."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from side_by_side import write

SIDES = 4096, int(sys.argv[1]) if len(sys.argv) > 1 else 1 << 15
CONVKIT = [sys.executable, "-m", "convkit"]
# Memory is looked at every 10 ms, for it is the most of a process and not of those that it starts.
COMMANDS = {
    "convolve, 15x15": [
        "convolve",
        "x.npy",
        "-k",
        "gaussian:size=15,sigma=2.5",
        "--padding",
        "zero",
        "-o",
        "y.npy",
        "-q",
    ],
    "learn-kernel, 15x15": ["learn-kernel", "--image", "x.npy", "--target", "y.npy", "--size", "15", "-q"],
}


def main() -> None:
    rows: list[dict[str, object]] = []
    for side in SIDES:
        with tempfile.TemporaryDirectory() as folder:
            draw(Path(folder, "x.npy"), side)
            for name, arguments in COMMANDS.items():
                seconds, mebibytes = measured([*CONVKIT, *arguments], folder)
                pace = side * side / 1e6 / seconds
                rows.append(
                    {"what": name, "side": side, "seconds": seconds, "megapixels_a_second": pace, "mib": mebibytes}
                )
                print(f"{name:20} {side:6}²  {seconds:7.2f} s  {pace:6.1f} Mpx/s  {mebibytes:5.0f} MiB", flush=True)
    for name in COMMANDS:
        small, large = (row["megapixels_a_second"] for row in rows if row["what"] == name)
        print(f"{name}: the pace of the large one is {large / small:.2f} of the small one's")
    write("large", rows)


def draw(path: Path, side: int) -> None:
    pixels = np.lib.format.open_memmap(path, "w+", np.float32, (side, side))
    rng = np.random.default_rng(0)
    for top in range(0, side, 512):
        pixels[top : top + 512] = rng.random((min(512, side - top), side), dtype=np.float32)
    pixels.flush()


def measured(command: list[str], folder: str) -> tuple[float, float]:
    """Seconds of a process, and the most memory that it had resident."""
    began, most = time.perf_counter(), 0
    process = subprocess.Popen(command, cwd=folder)
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        most = max(most, int(lines.get("VmHWM", "0").split()[0]))
        time.sleep(0.01)
    if process.returncode:
        raise SystemExit(f"{command} ended with {process.returncode}")
    return time.perf_counter() - began, most / 1024


if __name__ == "__main__":
    main()
