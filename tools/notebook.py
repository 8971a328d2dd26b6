"""Run docs/lesson.ipynb as a reader would, and compare what it shows; with --write, keep what it shows now."""

import argparse
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
LESSON = ROOT / "docs" / "lesson.ipynb"


def executed(path: Path) -> Any:
    """Return a notebook after a run in its folder; a cell that raises ends it."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3", record_timing=False).execute(cwd=str(path.parent))
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if len(data) > 1:  # the text of what is a picture or a table says nothing
                data.pop("text/plain", None)
    notebook.metadata.pop("language_info", None)  # it names the Python that ran it
    return notebook


def told(notebook: Any) -> list[str]:
    """Return the text that a notebook prints, cell by cell; pictures and tables are judged by looking at them."""
    return [
        "".join(output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in cell.outputs)
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def main() -> int:
    """Compare or write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    write = parser.parse_args().write
    run = executed(LESSON)
    if write:
        nbformat.write(run, LESSON)
        print(f"wrote {LESSON.relative_to(ROOT)}, {LESSON.stat().st_size / 1024:.0f} KiB")
        return 0
    stored = told(nbformat.read(LESSON, as_version=4))
    fresh = told(run)
    for number, (old, new) in enumerate(zip(stored, fresh, strict=True), start=1):
        if old != new:
            print(f"code cell {number} prints\n{new}\ninstead of\n{old}")
    return int(stored != fresh)


if __name__ == "__main__":
    sys.exit(main())
