"""Say which files made from the code are stale: reference, schemas, kernel library, manual page; or `--write` them."""

import sys
from pathlib import Path

import library
import man
import reference
import schemas

ROOT = Path(__file__).resolve().parents[1]


def files() -> dict[str, str]:
    """Return the text of every generated file by its path."""
    return reference.pages() | schemas.pages() | library.pages() | man.pages()


def stale() -> list[str]:
    """Name the files that are not what the code makes now, and those that it makes no more."""
    made = files()
    old = [name for name, text in made.items() if not _is(ROOT / name, text)]
    there = [*(ROOT / "docs/reference").glob("*.md"), *(ROOT / "docs/schemas").glob("*.json")]
    return old + [name for name in (str(path.relative_to(ROOT)) for path in there) if name not in made]


def _is(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


def main() -> int:
    """Check, or write; return the exit code."""
    if "--write" in sys.argv:
        for name, text in files().items():
            path = ROOT / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if not _is(path, text):
                path.write_text(text, encoding="utf-8")
                print(f"wrote {name}")
        return 0
    found = stale()
    print("\n".join(f"stale, `make generated` writes it anew: {name}" for name in found) or "generated files are fresh")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
