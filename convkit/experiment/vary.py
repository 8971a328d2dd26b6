"""What is varied: keys with their values, and the product of them all."""

import itertools
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from convkit.errors import SettingsError
from convkit.experiment.settings import Experiment
from convkit.text import closest, shown

Vary = dict[str, list[Any]]

_RANGE = re.compile(r"(-?\d+):(-?\d+)", re.ASCII)
# A grid is held in memory as a list of settings.
_MOST_RUNS = 1_000_000


def parse_vary(texts: Iterable[str]) -> Vary:
    """Read ``key=value value …`` texts, as ``--vary`` has them.

    Values are split as a shell would, and ``a:b`` is a range of integers, b excluded.

    Raises
    ------
    SettingsError
        For an unknown key, a key given twice, or one without values.

    Examples
    --------
    >>> parse_vary(["backend=naive conv2d", "seed=0:3"])
    {'backend': ['naive', 'conv2d'], 'seed': [0, 1, 2]}
    """
    vary: Vary = {}
    for text in texts:
        key, equals, values = text.partition("=")
        key = key.strip().replace("-", "_")
        if not equals:
            raise SettingsError(
                expected="--vary 'key=value value …'", got=shown(text), hint="--vary 'noise=0 0.01 0.1'"
            )
        if key in vary:
            raise SettingsError(
                expected="each varied key once", got=f"{shown(key)} twice", hint=f"--vary '{key}=' with all its values"
            )
        vary[key] = _values(key, values)
    return vary


def read_vary(table: Mapping[str, Any]) -> Vary:
    """Read a ``[vary]`` table: lists of values, or text as ``--vary`` has it.

    Examples
    --------
    >>> read_vary({"noise": [0, 0.1], "seed": "0:2"})
    {'noise': [0, 0.1], 'seed': [0, 1]}
    """
    vary: Vary = {}
    for key, values in table.items():
        if isinstance(values, str):
            vary[key] = _values(key, values)
        elif isinstance(values, list | tuple | range) and values:
            _check_key(key)
            vary[key] = list(values)
        else:
            raise SettingsError(
                expected=f"a list of values for {shown(key)} in [vary]", got=shown(values), hint=f"{key} = [1, 2]"
            )
    return vary


def product(vary: Vary, base: Experiment) -> list[dict[str, Any]]:
    """Return the varied settings of every run, the last key changing fastest, checked against the base.

    Raises
    ------
    SettingsError
        When a value is out of its key's range, or the grid is too large.

    Examples
    --------
    >>> product({"seed": [0, 1], "noise": [0.0]}, Experiment())
    [{'seed': 0, 'noise': 0.0}, {'seed': 1, 'noise': 0.0}]
    """
    count = 1
    for values in vary.values():
        count *= len(values)
    if count > _MOST_RUNS:
        raise SettingsError(
            expected=f"a grid of at most {_MOST_RUNS} runs", got=f"{count} runs", hint="fewer values per key"
        )
    checked = [[getattr(base.replace(**{key: value}), key) for value in values] for key, values in vary.items()]
    return [dict(zip(vary, values, strict=True)) for values in itertools.product(*checked)]


def _values(key: str, text: str) -> list[Any]:
    _check_key(key)
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise SettingsError(
            expected=f"values for {shown(key)} quoted as in a shell", got=shown(text), hint="closing every quote"
        ) from error
    values: Sequence[Any] = []
    for word in words:
        found = _RANGE.fullmatch(word)
        if found and int(found[2]) - int(found[1]) > _MOST_RUNS:
            raise SettingsError(
                expected=f"a range of at most {_MOST_RUNS} values", got=shown(word), hint=f"--vary '{key}=0:100'"
            )
        values = [*values, *(range(int(found[1]), int(found[2])) if found else [word])]
    if not values:
        raise SettingsError(
            expected=f"at least one value for {shown(key)}", got=shown(text), hint=f"--vary '{key}=1 2'"
        )
    return list(values)


def _check_key(key: str) -> None:
    if key not in Experiment.model_fields:
        raise SettingsError(
            expected="a setting to vary",
            got=shown(key),
            hint=closest(key, Experiment.model_fields) or f"one of {', '.join(Experiment.model_fields)}",
        )
