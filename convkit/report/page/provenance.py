"""How a result came about: its settings, and with what it was computed."""

import platform
from importlib import metadata
from typing import Any

import convkit
from convkit.experiment.settings import Experiment


def settings_table(resolved: dict[str, Any]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return the seed with the settings that are not the default, and the others, as names and texts.

    Examples
    --------
    >>> changed, left = settings_table(Experiment(lr=0.01).resolved())
    >>> changed, dict(left)["--steps"]
    ([('--lr', '0.01'), ('--seed', '0')], '40')
    """
    default = Experiment().resolved()
    changed: list[tuple[str, str]] = []
    left: list[tuple[str, str]] = []
    for key, value in resolved.items():
        if value is None and default.get(key) is not None:  # which a program, say, has no use for
            continue
        option = "--" + key.replace("_", "-")
        told = left if value == default.get(key) and key != "seed" else changed  # who repeats it needs the seed
        told.append((option, _told(value)))
    return changed, left


def _told(value: Any) -> str:
    if value is None or value == []:
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, list):
        return str(value)
    if all(isinstance(part, int) for part in value):
        return "x".join(map(str, value))
    if all(isinstance(row, list) and all(isinstance(part, int | float) for part in row) for row in value):
        return "; ".join(",".join(f"{part:g}" for part in row) for row in value)
    return ", ".join(map(_told, value))


def versions() -> list[tuple[str, str]]:
    """Return what computed and drew the page; no dates, so that the same run gives the same page."""
    packages = [(name, metadata.version(name.lower())) for name in ("NumPy", "torch", "Matplotlib")]
    return [("convkit", convkit.__version__), ("Python", platform.python_version()), *packages]
