"""docs/lesson.ipynb: it runs from top to bottom, and prints what it shows."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def tool(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("notebook", root / "tools/notebook.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_notebook_is_kept_with_what_it_shows(root: Path) -> None:
    notebook = json.loads((root / "docs/lesson.ipynb").read_text())
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert "error" not in {output["output_type"] for output in outputs}
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert kinds == {"text/html", "image/png"}
    assert (root / "docs/lesson.ipynb").stat().st_size < 600_000
    # No trace of whose machine it was.
    assert "/home/" not in json.dumps(notebook)
    assert "/work/" not in json.dumps(notebook)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # of the notebook's own machinery
def test_the_notebook_runs_and_prints_what_it_shows(root: Path, tool: ModuleType) -> None:
    import nbformat

    run = tool.executed(root / "docs/lesson.ipynb")
    assert tool.told(run) == tool.told(nbformat.read(root / "docs/lesson.ipynb", as_version=4))
    assert any("only the column sums of the kernel are determined" in text for text in tool.told(run))
