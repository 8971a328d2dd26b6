"""What MkDocs does to the pages beyond its own: marks of checked blocks go, pictures of the repository come along."""

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]
_MARKS = re.compile(r"^```console .*$", re.MULTILINE)
_PICTURE = re.compile(r"\((?:\.\./)+pictures/([a-z.]+)\)")


def on_files(files: Any, config: Any) -> Any:
    """Add the pictures that the pages share with the README."""
    for path in sorted((ROOT / "pictures").iterdir()):
        if path.suffix in (".png", ".gif"):
            files.append(File.generated(config, f"pictures/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Leave out the marks that only `tools/readme.py` reads, and point at the pictures in the site."""
    up = "../" * page.file.src_uri.count("/")
    return _PICTURE.sub(rf"({up}pictures/\1)", _MARKS.sub("```console", markdown))
