"""Kernels in JSON: plain rows, an object, or a recovery record of convkit's own."""

from typing import Any, NoReturn

from convkit.errors import KernelError
from convkit.kernel.kernel import Kernel
from convkit.text import closest, shown

# Of lists in lists: two are a kernel, a few more are told as an array of that many dimensions.
_DEEPEST = 8
_KEYS = ("taps", "name", "bias")


def read_json(text: str) -> Kernel:
    """Read a kernel from JSON.

    Parameters
    ----------
    text : str
        A list of rows; an object with ``taps`` and perhaps ``name`` and ``bias``; or a record of schema
        ``convkit.recovery/1``, whose learned kernel and bias are taken.

    Returns
    -------
    Kernel

    Raises
    ------
    KernelError
        When the text is no JSON, or none of these, or holds anything but finite numbers.

    Examples
    --------
    >>> kernel = read_json('{"taps": [[1, -1]], "bias": 0.5}')
    >>> print(kernel, kernel.bias)
    1,-1 0.5
    """
    import json

    try:
        record = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise KernelError(expected="JSON", got=shown(error, limit=90), hint="checking the file") from error
    if isinstance(record, list):
        return Kernel.of(_floats(record))
    if not isinstance(record, dict):
        raise KernelError(expected="a JSON list of rows or an object", got=shown(record), hint="[[1, -1]]")
    if record.get("schema") == "convkit.recovery/1":
        record = {"taps": _learned(record, "kernel"), "bias": _learned(record, "bias") or 0.0}
    return _from_object(record)


def write_json(kernel: Kernel) -> str:
    """Write an object with schema, name, taps and bias."""
    import json

    return json.dumps(kernel.to_dict(), allow_nan=False) + "\n"


def _learned(record: dict[str, Any], part: str) -> Any:
    value = record.get(part)
    return value.get("learned") if isinstance(value, dict) else None


def _from_object(record: dict[str, Any]) -> Kernel:
    for key in record:
        # A "divisor" overlooked would make a wrong kernel; only convkit's own records may say more.
        if key not in _KEYS and not str(record.get("schema", "")).startswith("convkit."):
            raise KernelError(
                expected=f"an object with the keys {', '.join(_KEYS)}",
                got=shown(key),
                hint=f"'{closest(key, _KEYS) or 'taps'}'",
            )
    name, bias = record.get("name"), record.get("bias", 0.0)
    if not isinstance(name, str | None):
        raise KernelError(expected="a name that is text", got=shown(name), hint='"name": null')
    if not isinstance(record.get("taps"), list):
        raise KernelError(
            expected="taps in a list of rows",
            got=shown(record.get("taps")),
            hint='{"taps": [[1, -1]], "bias": 0}',
        )
    return Kernel(Kernel.of(_floats(record["taps"])).taps, name, _float(bias))


def _floats(value: Any, depth: int = _DEEPEST) -> Any:
    """Turn every number in nested lists into a float; numpy alone would also take words and truth values."""
    if not isinstance(value, list):
        return _float(value)
    if not depth:
        raise KernelError(expected="a list of rows", got=f"lists more than {_DEEPEST} deep", hint="[[0, 1], [2, 3]]")
    return [_floats(item, depth - 1) for item in value]


def _float(value: Any) -> float:
    try:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"{value!r} is no number")
        return float(value)
    except (TypeError, OverflowError) as error:
        raise KernelError(expected="a kernel of finite numbers", got=shown(value), hint="[[0, 1], [2, 3]]") from error


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")
