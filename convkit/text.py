"""Small shared grammar: how user text is read, echoed and corrected."""

import difflib
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from convkit.errors import SettingsError

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def shown(value: object, limit: int = 60) -> str:
    r"""Quote a value for a message: printable, on one line, at most ``limit`` characters.

    Examples
    --------
    >>> shown("a\nb")
    "'a\\nb'"
    >>> shown("x" * 100, limit=10)
    "'xxxxxxx…'"
    """
    text = repr(str(value))
    if len(text) > limit:
        text = text[: limit - 2] + "…" + text[-1]
    return text.encode("ascii" if not text.isprintable() else "utf-8", "backslashreplace").decode()


def closest(word: str, choices: Iterable[str]) -> str | None:
    """Return the choice that ``word`` most likely meant, or None when nothing is near.

    Examples
    --------
    >>> closest("sobell", ["box", "sobel"])
    'sobel'
    >>> closest("qqq", ["box", "sobel"]) is None
    True
    """
    near = difflib.get_close_matches(word.lower(), list(choices), n=1, cutoff=0.6)
    return near[0] if near else None


def number(text: str) -> float | None:
    """Read a finite decimal number or a fraction such as ``1/9``; None when it is neither.

    Python's ``float`` also takes ``nan``, ``inf`` and ``1_000``; none of these is a pixel or a tap.

    Examples
    --------
    >>> number(" -1.5e1 "), number("1/4"), number("nan"), number("1/0")
    (-15.0, 0.25, None, None)
    """
    parts = [part.strip() for part in text.split("/")]
    if len(parts) > 2 or not all(_NUMBER.fullmatch(part) for part in parts):
        return None
    value = float(parts[0])
    if len(parts) == 2:
        divisor = float(parts[1])
        value = value / divisor if divisor else math.nan
    return value if math.isfinite(value) else None


def whole(option: str, value: object, minimum: int) -> int:
    """Read an option that is a whole number.

    Raises
    ------
    SettingsError
        When it is not, or is below the minimum.

    Examples
    --------
    >>> whole("--stride", "2", 1)
    2
    """
    if type(value) is int and minimum <= value < 10**18:
        return value
    text = str(value).strip()
    if isinstance(value, bool) or not re.fullmatch(r"[+-]?\d{1,18}", text, re.ASCII) or int(text) < minimum:
        raise SettingsError(
            expected=f"{option} as a whole number of at least {minimum}",
            got=shown(value),
            hint=f"{option} {max(minimum, 1)}",
        )
    return int(text)


def choice(option: str, value: object, choices: Iterable[str]) -> str:
    """Read an option that is one of a few words.

    Raises
    ------
    SettingsError
        When it is none of them; the nearest is suggested.

    Examples
    --------
    >>> choice("--map", "CLIP", ["auto", "clip"])
    'clip'
    """
    words = [str(word) for word in choices]
    text = str(value).strip().lower()
    if text not in words:
        raise SettingsError(
            expected=f"{option} as one of {', '.join(words)}",
            got=shown(value),
            hint=f"{option} {closest(text, words) or words[0]}",
        )
    return text


@dataclass(frozen=True)
class Call:
    """A name with parameters, as in ``gaussian:sigma=1.2,size=9`` or ``box:5``.

    Attributes
    ----------
    name : str
        What stands before the first colon.
    positional : tuple of str
        Parameters without a name, in order.
    named : dict
        Parameters given as ``key=value``.
    """

    name: str
    positional: tuple[str, ...] = ()
    named: dict[str, str] = field(default_factory=dict)


def parse_call(text: str) -> Call:
    """Split ``name:a,key=b`` into its parts, without judging them.

    Examples
    --------
    >>> parse_call("gaussian:sigma=1.2,size=9")
    Call(name='gaussian', positional=(), named={'sigma': '1.2', 'size': '9'})
    >>> parse_call("box:5").positional
    ('5',)
    """
    name, _, rest = text.partition(":")
    positional: list[str] = []
    named: dict[str, str] = {}
    for part in rest.split(",") if rest.strip() else []:
        key, equals, value = part.partition("=")
        if equals:
            named[key.strip()] = value.strip()
        else:
            positional.append(part.strip())
    return Call(name.strip(), tuple(positional), named)
