"""Images larger than memory: read some rows at a time, and written likewise."""

import math
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from convkit.errors import ConvkitError, ImageError
from convkit.image.arrays import MAGIC, read_header
from convkit.image.files import decoding, named, open_file
from convkit.image.image import Kind
from convkit.image.tiff import gray_samples, is_tiff

if TYPE_CHECKING:
    import tifffile

# Bytes of a strip of a TIFF that is written.
_TIFF_STRIP = 1 << 20
# Pixels of a row of tiles, or a strip, that are decoded together: more is no reading by rows.
_TALLEST_BAND = 1 << 26


@dataclass(frozen=True, eq=False)
class Rows:
    """An image on disk of which any rows can be had.

    Attributes
    ----------
    shape : (int, int)
    dtype : dtype
        float32 or float64: what every pixel fits into.
    read : function
        ``(top, bottom) -> ndarray (bottom - top, W)``, of that type; pictures of integers scaled to [0, 1].
    path : Path
    kind : Kind
        A picture or a matrix.
    white : int or None
        The largest number of a picture of integers.
    whole : bool
        Whether the numbers stored are whole.
    offset : int or None
        Where in the file the numbers begin, if they are stored row after row just as `read` gives them.
    """

    shape: tuple[int, int]
    dtype: np.dtype[Any]
    read: Callable[[int, int], NDArray[np.floating[Any]]]
    path: Path
    kind: Kind = Kind.MATRIX
    white: int | None = None
    whole: bool = False
    offset: int | None = None


def open_rows(path: Path, file: BinaryIO) -> Rows | None:
    """Open an ``.npy`` array or a TIFF by rows; None when it must be read as a whole.

    That is: an array in Fortran order or not of two dimensions, a TIFF of colours, of several pages, or compressed in
    one piece; and everything else.

    Parameters
    ----------
    path : Path
        What the file is called.
    file : binary file
        At its start; to be kept open while rows are read.

    Examples
    --------
    >>> path = getfixture("tmp_path") / "x.npy"
    >>> np.save(path, np.arange(6, dtype=np.uint8).reshape(3, 2))
    >>> with path.open("rb") as file:
    ...     open_rows(path, file).read(1, 3)
    array([[2., 3.],
           [4., 5.]], dtype=float32)
    """
    head = file.read(len(MAGIC))
    file.seek(0)
    if head == MAGIC:
        return _open_npy(path, file)
    return _open_tiff(path, file) if is_tiff(file) else None


def _open_npy(path: Path, file: BinaryIO) -> Rows | None:
    header = read_header(file, named(path))
    if header.fortran or len(header.shape) != 2 or header.dtype.kind not in "biuf":
        return None
    kept = _float_type(header.dtype)
    _check_length(file, header.offset, header.shape, header.dtype, path)
    return Rows(
        (header.shape[0], header.shape[1]),
        kept,
        _plain_rows(file, header.offset, header.dtype, header.shape[1], kept, path, white=None),
        path,
        whole=header.dtype.kind != "f",
        offset=header.offset if header.dtype == kept else None,
    )


def _check_length(file: BinaryIO, offset: int, shape: tuple[int, ...], stored: np.dtype[Any], path: Path) -> None:
    """Refuse a header that promises more than the file holds, before memory is asked for on its word."""
    length = file.seek(0, os.SEEK_END)
    file.seek(0)
    if not 0 <= math.prod(shape) * stored.itemsize <= length - offset or min(shape) < 0:
        promised = " x ".join(map(str, shape))
        raise ImageError(
            expected="a whole file",
            got=f"{named(path)}, cut short: its header promises {promised} pixels, it holds {length:,} bytes",
            hint="saving it anew",
        )


def _float_type(stored: np.dtype[Any]) -> np.dtype[Any]:
    """Smallest of float32 and float64 that holds every number of a type."""
    narrow = stored.itemsize <= (4 if stored.kind == "f" else 2)
    return np.dtype(np.float32 if narrow else np.float64)


def _plain_rows(
    file: BinaryIO,
    offset: int,
    stored: np.dtype[Any],
    width: int,
    kept: np.dtype[Any],
    path: Path,
    *,
    white: int | None,
) -> Callable[[int, int], NDArray[np.floating[Any]]]:
    # Read rather than mapped: mapped pages count as resident memory for as long as there is room.
    def read(top: int, bottom: int) -> NDArray[np.floating[Any]]:
        file.seek(offset + top * width * stored.itemsize)
        raw = np.empty((bottom - top, width), stored)
        if file.readinto(raw.reshape(-1).view(np.uint8)) != raw.nbytes:  # type: ignore[attr-defined]
            raise ImageError(
                expected="a whole file", got=f"{named(path)}, cut short before row {bottom}", hint="saving it anew"
            )
        return _scaled(raw, white, kept)

    return read


def _scaled(raw: NDArray[Any], white: int | None, kept: np.dtype[Any]) -> NDArray[np.floating[Any]]:
    if white is None:
        return raw.astype(kept, copy=False)
    values: NDArray[np.floating[Any]] = np.divide(raw, white, dtype=kept)
    return values


def _open_tiff(path: Path, file: BinaryIO) -> Rows | None:
    try:
        import tifffile
    except ImportError:
        return None
    try:
        pages = tifffile.TiffFile(file)
        white = gray_samples(pages.pages.first) if len(pages.pages) == 1 else None
        return None if white is None else _rows_of_page(path, file, pages.pages.first, white or None)
    except ConvkitError:
        raise
    except Exception:  # the reader of whole pictures says what is wrong with it
        return None
    finally:
        file.seek(0)


def _rows_of_page(path: Path, file: BinaryIO, page: "tifffile.TiffPage", white: int | None) -> Rows | None:
    assert page.dtype is not None  # else its white is unknown
    stored = np.dtype(page.parent.byteorder + page.dtype.char)
    kept = _float_type(stored)
    shape = page.imagelength, page.imagewidth
    if page.is_contiguous and page.compression == 1:
        if sum(page.databytecounts) != math.prod(shape) * stored.itemsize:
            return None
        begins = page.dataoffsets[0]
        _check_length(file, begins, shape, stored, path)
        read = _plain_rows(file, begins, stored, shape[1], kept, path, white=white)
        return Rows(shape, kept, read, path, Kind.PICTURE, white, offset=begins if stored == kept else None)
    tall = page.tilelength if page.is_tiled else page.rowsperstrip
    if len(page.dataoffsets) == 1 or min(*shape, tall) < 1 or tall * shape[1] > _TALLEST_BAND:
        return None
    return Rows(shape, kept, _segment_rows(file, page, white, kept, named(path)), path, Kind.PICTURE, white)


def _segment_rows(
    file: BinaryIO, page: "tifffile.TiffPage", white: int | None, kept: np.dtype[Any], name: str
) -> Callable[[int, int], NDArray[np.floating[Any]]]:
    """Read rows of a TIFF that is cut into tiles or strips; the last row of them that was decoded is kept."""
    tall = page.tilelength if page.is_tiled else page.rowsperstrip
    across = -(-page.imagewidth // page.tilewidth) if page.is_tiled else 1
    last: dict[int, NDArray[Any]] = {}

    def band(number: int) -> NDArray[Any]:
        if number not in last:
            rows = min(tall, page.imagelength - number * tall)
            found = np.zeros((rows, page.imagewidth), page.dtype)
            for index in range(number * across, (number + 1) * across):
                file.seek(page.dataoffsets[index])
                data = file.read(page.databytecounts[index])
                segment, position, _ = page.decode(data, index, jpegtables=page.jpegtables)
                if segment is not None:  # else a hole, of zeros
                    left = position[-2]
                    part = segment.reshape(segment.shape[-3:-1])[:rows, : page.imagewidth - left]
                    found[: len(part), left : left + part.shape[1]] = part
            last.clear()
            last[number] = found
        return last[number]

    def read(top: int, bottom: int) -> NDArray[np.floating[Any]]:
        raw = np.empty((bottom - top, page.imagewidth), page.dtype)
        for number in range(top // tall, -(-bottom // tall)):
            start = number * tall
            low, high = max(top, start), min(bottom, start + tall)
            with decoding(name):
                raw[low - top : high - top] = band(number)[low - start : high - start]
        return _scaled(raw, white, kept)

    return read


def write_rows(
    file: BinaryIO,
    suffix: str,
    shape: tuple[int, int],
    dtype: np.dtype[Any],
    strips: Iterator[NDArray[np.floating[Any]]],
) -> None:
    """Write an image as ``.npy`` (as it is) or TIFF (float32), strip after strip."""
    if suffix == ".npy":
        header = {"descr": npy.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
        npy.write_array_header_1_0(file, header)
        # One strip is written while the next is computed.
        with ThreadPoolExecutor(1) as writer:
            before: Future[int] | None = None
            for strip in strips:
                if before is not None:
                    before.result()
                before = writer.submit(file.write, np.ascontiguousarray(strip).reshape(-1).view(np.uint8).data)
            if before is not None:
                before.result()
        return
    import tifffile

    rows = max(1, _TIFF_STRIP // (4 * shape[1]))
    tifffile.imwrite(
        file,
        _recut(strips, rows),
        shape=shape,
        dtype=np.float32,
        rowsperstrip=rows,
        photometric="minisblack",
        bigtiff=4 * shape[0] * shape[1] > 2**32 - 2**25,
    )


def _recut(strips: Iterator[NDArray[np.floating[Any]]], rows: int) -> Iterator[NDArray[np.float32]]:
    """Cut strips of any heights into strips of one, but for the last."""
    rest: NDArray[np.float32] | None = None
    for strip in strips:
        block = strip.astype(np.float32, copy=False)
        rest = block if rest is None or not len(rest) else np.vstack([rest, block])
        whole = len(rest) - len(rest) % rows
        for top in range(0, whole, rows):
            yield rest[top : top + rows]
        rest = rest[whole:]
    if rest is not None and len(rest):
        yield rest


def open_large(path: Path, pixels: int) -> tuple[Rows, BinaryIO] | None:
    """Open a file by rows when it has more than so many pixels; the caller closes it."""
    file = open_file(path)
    try:
        rows = open_rows(path, file)
    except BaseException:
        file.close()
        raise
    if rows is None or rows.shape[0] * rows.shape[1] <= pixels:
        file.close()
        return None
    return rows, file
