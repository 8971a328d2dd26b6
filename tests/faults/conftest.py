"""Commands that write, in a folder of their own, and how to tell that what they wrote is whole."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

OLD = b"what was here before\n"
LEARN = ("learn-kernel", "--image", "noise:size=96", "--kernel", "sobel", "-q")
#: Each kind of output, with a command that writes it to the file that is put at the end.
WRITERS: dict[str, tuple[str, ...]] = {
    "a.png": ("convolve", "noise:height=900,width=900", "-k", "gaussian:sigma=2", "-q", "-o"),
    "a.npy": ("convolve", "noise:height=900,width=900", "-k", "gaussian:sigma=2", "-q", "-o"),
    "a.tif": ("convolve", "noise:height=900,width=900", "-k", "gaussian:sigma=2", "-q", "-o"),
    "a.csv": ("kernels", "gaussian:sigma=9", "-o"),
    "a.json": (*LEARN, "--steps", "400", "--save"),
    "a.html": (*LEARN, "--steps", "40", "--report"),
    "a.gif": (*LEARN, "--steps", "40", "--animate"),
    "a.svg": (*LEARN, "--steps", "40", "--plot"),
    "a.jsonl": ("compare", "--vary", "seed=0:30", "--steps", "200", "-q", "--save"),
    "b.csv": ("compare", "--vary", "seed=0:3", "--steps", "20", "-q", "--export"),
    "b.json": ("learn-kernel", "--program", "cp {input} {output}", "--size", "3", "-q", "--save"),
}


def is_whole(path: Path) -> bool:
    """Whether its command could have finished a file; of saved runs, whether only the last line is cut short."""
    data = path.read_bytes()
    match path.suffix:
        case ".png" | ".gif" | ".tif":
            with PIL.Image.open(path) as picture:
                for frame in range(getattr(picture, "n_frames", 1)):
                    picture.seek(frame)
                    picture.load()
            return path.suffix != ".png" or data.endswith(b"IEND\xaeB`\x82")
        case ".npy":
            return np.load(path).shape == (884, 884)
        case ".json":
            return json.loads(data)["schema"].startswith("convkit.")
        case ".jsonl":
            return all(json.loads(line)["schema"] == "convkit.run/1" for line in data.split(b"\n")[:-1])
        case ".html":
            return data.rstrip().endswith(b"</html>")
        case ".svg":
            return data.rstrip().endswith(b"</svg>")
        case _:
            return data.endswith(b"\n") and len({len(row) for row in csv.reader(io.StringIO(data.decode()))}) == 1


@dataclass
class Place:
    """An empty folder, and one for temporary files."""

    folder: Path
    temporary: Path

    def start(self, *arguments: str, **options: object) -> "subprocess.Popen[bytes]":
        environment = os.environ | {"TMPDIR": str(self.temporary), "OPENBLAS_NUM_THREADS": "1"}
        return subprocess.Popen(
            [sys.executable, "-m", "convkit", *arguments],
            cwd=self.folder,
            env=environment | options.pop("env", {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            **options,
        )

    def run(self, *arguments: str, **options: object) -> tuple[int, str, str]:
        process = self.start(*arguments, **options)
        try:
            out, err = process.communicate(timeout=120)
        finally:
            process.kill()
            process.wait()
        return process.returncode, out.decode(), err.decode()

    def killed(self, *arguments: str, after: float, by: signal.Signals) -> int:
        """Run a command, and send it a signal after so many seconds, if it still runs."""
        process = self.start(*arguments)
        try:
            time.sleep(after)
            process.send_signal(by)
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
            process.wait()
        assert b"Traceback" not in err, err
        return process.returncode

    def left(self) -> set[str]:
        """Temporary files and folders."""
        hidden = {entry.name for entry in self.folder.iterdir() if entry.name.startswith(".")}
        return hidden | {entry.name for entry in self.temporary.iterdir()}


@pytest.fixture
def make_place(tmp_path: Path) -> Callable[[str], Place]:
    def make(name: str) -> Place:
        place = Place(tmp_path / name, tmp_path / f"{name}-temporary")
        place.folder.mkdir()
        place.temporary.mkdir()
        return place

    return make


@pytest.fixture
def place(make_place: Callable[[str], Place]) -> Place:
    return make_place("here")
