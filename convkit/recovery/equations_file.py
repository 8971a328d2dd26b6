"""Normal equations in ``.npz`` files: plain arrays with a schema, and nothing that could run."""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from convkit.convolution.convention import Padding
from convkit.errors import ConvkitError
from convkit.image.atomic import atomic_write
from convkit.image.files import named
from convkit.text import shown

_KIND = "convkit.normal-equations/"
_SCHEMA = f"{_KIND}1"
# Every entry but the moments: kind of number and shape. Numbers have eight bytes.
_ENTRIES: dict[str, tuple[str, tuple[int, ...]]] = {
    "size": ("i", (2,)),
    "bias": ("b", ()),
    "image_shift": ("f", ()),
    "target_shift": ("f", ()),
    "image_range": ("f", (2,)),
    "target_range": ("f", (2,)),
    "padding": ("U", ()),
    "stride": ("i", ()),
    "flip": ("b", ()),
}
# What an entry may have unpacked, beyond its numbers: a header, and for the small ones everything.
_SMALL = 4096


class EquationsError(ConvkitError):
    """Normal equations that cannot be read, or that do not add up."""


def write_equations(path: str | PathLike[str], fields: Mapping[str, Any]) -> None:
    """Write the fields of normal equations, in one step.

    Parameters
    ----------
    path : str or path-like
        Taken as it is: no suffix is added.
    fields : mapping
        ``moments`` and the entries of the schema; a padding of None is written as an empty text.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    arrays = {name: np.asarray(value if value is not None else "") for name, value in fields.items()}
    with atomic_write(path) as file:
        np.savez(file, allow_pickle=False, schema=np.asarray(_SCHEMA), **arrays)


def read_equations(path: str | PathLike[str]) -> dict[str, Any]:
    """Read and check what `write_equations` wrote.

    Returns
    -------
    dict
        The fields, as Python numbers and tuples; ``moments`` an ndarray of float64.

    Raises
    ------
    EquationsError
        When the file is none of convkit's, of another version, cut short, or holds what cannot be.
    """
    try:
        if not Path(path).is_file():  # opening a pipe would wait for a writer
            raise FileNotFoundError("no such file")
        with Path(path).open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, NpzFile):
                raise ValueError("a single array")
            with archive:
                return _fields(archive, path)
    except ConvkitError:
        raise
    except Exception as error:  # NumPy and zipfile report a damaged file as whatever they stumbled over
        raise _refused(path, str(error) or type(error).__name__) from error


def _fields(archive: NpzFile, path: str | PathLike[str]) -> dict[str, Any]:
    schema = str(_entry(archive, "schema", "U", ()))
    if schema != _SCHEMA:
        other = schema.startswith(_KIND)
        raise EquationsError(
            expected=f"normal equations of schema {_SCHEMA}",
            got=f"{shown(schema)} in {named(path)}",
            hint="the convkit that wrote it, or making them anew"
            if other
            else "a file that NormalEquations.save wrote",
        )
    fields: dict[str, Any] = {name: _entry(archive, name, *form).tolist() for name, form in _ENTRIES.items()}
    for name in ("size", "image_range", "target_range"):
        fields[name] = tuple(fields[name])
    (kh, kw), stride = fields["size"], fields["stride"]
    if min(kh, kw, stride) < 1:
        raise ValueError(f"size {(kh, kw)}, stride {stride}")
    fields["padding"] = str(Padding(fields["padding"])) if fields["padding"] else None
    side = kh * kw + 2
    fields["moments"] = moments = _entry(archive, "moments", "f", (side, side))
    numbers = [fields["image_shift"], fields["target_shift"], *fields["image_range"], *fields["target_range"]]
    if not (np.isfinite(moments).all() and np.isfinite(numbers).all()):
        raise ValueError("numbers that are not finite")
    if moments[-2, -2] < 1 or not np.array_equal(moments, moments.T):
        raise ValueError("moments that no image has")
    return fields


def _entry(archive: NpzFile, name: str, kind: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """Unpack an entry, once its size says that it is no larger than it should be."""
    limit = _SMALL + 8 * int(np.prod(shape, dtype=object))
    if (size := archive.zip.getinfo(f"{name}.npy").file_size) > limit:  # type: ignore[union-attr]
        raise ValueError(f"{name} of {size} bytes")
    array: NDArray[Any] = archive[name]
    if array.dtype.kind != kind or array.shape != shape or (kind in "if" and array.dtype.itemsize != 8):
        raise ValueError(f"{name} of type {array.dtype} and shape {array.shape}")
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _refused(path: str | PathLike[str], reason: str) -> EquationsError:
    return EquationsError(
        expected="an .npz file of normal equations",
        got=f"{named(path)} ({shown(reason, 120)})",
        hint="a file that NormalEquations.save wrote",
    )
