"""Programs that misbehave: python faults.py NAME INPUT OUTPUT."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from PIL import Image


def main(name: str, before: Path, after: Path) -> None:
    """Do what the name says."""
    if name == "fails":
        sys.stderr.write("no such filter\ngiving up\n")
        sys.exit(3)
    elif name == "crashes":
        os.abort()
    elif name == "hangs":
        time.sleep(60)
    elif name == "empty":
        after.touch()
    elif name == "elsewhere":
        shutil.copy(before, after.with_name("output-0.png"))
    elif name in ("half-size", "jpeg"):
        with Image.open(before) as picture:
            (picture.reduce(2) if name == "half-size" else picture).save(after, "JPEG" if name == "jpeg" else "PNG")
    elif name == "text":
        after.write_text("a picture")
    elif name == "truncated":
        data = before.read_bytes()
        after.write_bytes(data[: len(data) // 2])
    else:
        with_a_child(name, before, after)


def with_a_child(name: str, before: Path, after: Path) -> None:
    """Answer as one should, but for a process that outlives the answer."""
    shutil.copy(before, after)
    if name == "ends-with-child":
        subprocess.Popen(["sleep", "0.2"])
        return
    child = subprocess.Popen(["sleep", "60"], start_new_session=name == "leaves-daemon", stdout=subprocess.DEVNULL)
    Path(os.environ["PIDS"]).write_text(str(child.pid))
    if name == "waits-for-child":
        child.wait()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
