"""Experiments written down as TOML."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from convkit.errors import SettingsError
from convkit.experiment.settings import check_settings
from convkit.experiment.vary import Vary, read_vary
from convkit.image.files import beside
from convkit.text import shown

# A configuration is a page of text; anything of this size is another file.
_MOST_BYTES = 1_000_000
# Settings whose text may name a file.
_FILE_KEYS = ("image", "target", "pairs", "mask", "kernel", "expect")


@dataclass(frozen=True)
class Config:
    """What a configuration file says.

    Attributes
    ----------
    settings : dict
        As for `Experiment`.
    vary : dict
        Lists of values by key; empty when nothing is varied.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    vary: Vary = field(default_factory=dict)


def read_config(path: str | Path) -> Config:
    """Read a TOML file: keys as the long options with underscores, and a ``[vary]`` table.

    Files that it names are looked for beside it first.

    Raises
    ------
    SettingsError
        When the file cannot be read, is not TOML, or has a key or a value that is not right.
    """
    file = Path(path)
    table = _parse(file)
    vary = table.pop("vary", {})
    if not isinstance(vary, dict):
        raise SettingsError(
            expected=f"[vary] as a table in {shown(path)}",
            got=shown(vary),
            hint="[vary] and a line such as noise = [0, 0.1]",
        )
    settings = {key: _beside(file, value) if key in _FILE_KEYS else value for key, value in table.items()}
    check_settings(settings, str(path))
    varied = read_vary(vary)
    for key in set(varied) & set(_FILE_KEYS):
        varied[key] = [_beside(file, value) for value in varied[key]]
    return Config(settings, varied)


def _parse(file: Path) -> dict[str, Any]:
    try:
        if not file.is_file():
            raise SettingsError(
                expected="a configuration file",
                got=f"{shown(file)}, which is {'a directory' if file.is_dir() else 'no file'}",
                hint="--config configs/lesson.toml",
            )
        if file.stat().st_size > _MOST_BYTES:
            raise SettingsError(
                expected="a configuration of at most 1 MB", got=f"{shown(file)}, which is larger", hint="a TOML file"
            )
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise SettingsError(
            expected="a configuration in TOML",
            got=f"{shown(file)}: {str(error) or type(error).__name__}",
            hint='lines such as kernel = "1,-1" and steps = 40',
        ) from error


def _beside(file: Path, value: Any) -> Any:
    """Turn a path that exists relative to the configuration into one that works from here."""
    if isinstance(value, list):
        return [_beside(file, one) for one in value]
    return beside(file, value) if isinstance(value, str) and value else value
