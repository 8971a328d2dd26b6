"""Make the pictures of the README: `make pictures`. Every one is what a command of convkit writes."""

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageFilter

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "pictures"
LESSON = ["learn-kernel", "--kernel", "1,-1", "--steps", "40", "--lr", "0.01"]


def convkit(*arguments: object) -> None:
    """Run the real command; a picture is made of what it finds, so nothing less than yes will do."""
    subprocess.run([sys.executable, "-m", "convkit", *map(str, arguments), "--quiet"], check=True, cwd=ROOT)


def make(folder: Path) -> None:
    """Write the lesson as a moving picture, and what convkit finds out about a filter of Pillow's."""
    convkit(*LESSON, "--animate", folder / "lesson.gif")
    with tempfile.TemporaryDirectory() as scratch:
        after = Path(scratch, "after.png")
        with Image.open(PICTURES / "scene.png") as scene:
            scene.filter(ImageFilter.EMBOSS).save(after)
        convkit("learn-kernel", "--image", "pictures/scene.png", "--target", after, "--plot", folder / "recovery.png")


if __name__ == "__main__":
    make(PICTURES)
    for name in ("lesson.gif", "recovery.png"):
        print(f"pictures/{name}, {(PICTURES / name).stat().st_size / 1024:.0f} KiB")
