"""Many pairs of pictures, named in a file or laid out in a folder."""

import csv
import io
from pathlib import Path

from convkit.errors import SettingsError
from convkit.image.files import beside, named

_MOST_BYTES = 10_000_000
_HEADERS = {"image", "before", "input", "target", "after", "output"}


def read_pairs(source: str) -> list[tuple[str, str]]:
    """Return the images and targets that a list names.

    A file holds a pair a line, separated by a comma, with or without a line of headings; its paths are looked for
    beside it first. A folder holds ``before/`` and ``after/``, whose files belong together when they are named alike
    but for the suffix.

    Raises
    ------
    SettingsError
        When there is no such list, or a line or a file has no partner.
    """
    path = Path(source)
    try:
        pairs = _in_folder(path) if path.is_dir() else _in_file(path)
    except (OSError, UnicodeDecodeError, ValueError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or ("not UTF-8" if isinstance(error, UnicodeDecodeError) else error)
        raise _refused(f"{named(source)} ({reason})") from error
    if not pairs:
        raise _refused(f"{named(source)}, which names none")
    return pairs


def _in_file(path: Path) -> list[tuple[str, str]]:
    if not path.is_file():  # a pipe would wait for a writer
        raise _refused(f"{named(path)}, which is no file")
    if path.stat().st_size > _MOST_BYTES:
        raise _refused(f"{named(path)}, which is larger than 10 MB")
    pairs = []
    for number, row in enumerate(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))), start=1):
        cells = [cell.strip() for cell in row]
        if not any(cells) or (number == 1 and _HEADERS.issuperset(cell.lower() for cell in cells)):
            continue
        if len(cells) != 2 or not all(cells):
            raise _refused(f"line {number} of {named(path)} with {len(cells)} columns")
        pairs.append((beside(path, cells[0]), beside(path, cells[1])))
    return pairs


def _in_folder(path: Path) -> list[tuple[str, str]]:
    sides = []
    for side in ("before", "after"):
        folder = path / side
        if not folder.is_dir():
            raise _refused(f"the folder {named(path)} without {side}/")
        sides.append({file.stem: str(file) for file in sorted(folder.iterdir()) if file.is_file()})
    before, after = sides
    for alone in sorted(before.keys() ^ after.keys()):
        raise _refused(f"{named((before | after)[alone])} without a partner")
    return [(before[name], after[name]) for name in before]


def _refused(got: str) -> SettingsError:
    return SettingsError(
        expected="pairs of pictures: a CSV file of two columns, or a folder with before/ and after/",
        got=got,
        hint="lines such as before.png,after.png",
    )
