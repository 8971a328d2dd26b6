"""PNG out: filtered and compressed in strips, on all cores, with the method that suits the picture."""

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.threads import share

# Bytes of a strip. Each starts with an empty dictionary, which costs nothing that could be seen.
_STRIP = 1 << 19
# Rows that are tried out: so many pieces of so many, spread over the picture.
_PIECES, _PIECE_ROWS = 8, 8
# Searching for repetitions takes six times as long as counting runs: it has to save this share of the bytes.
_WORTH_SEARCHING = 0.1

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_ZLIB_HEADER = b"\x78\x01"
_ADLER = 65521


class _Filter(IntEnum):
    """Filter types of the PNG specification (section 9): what is taken away from each byte."""

    NONE = 0
    SUB = 1
    UP = 2


@dataclass(frozen=True)
class _Method:
    filter: _Filter
    level: int
    strategy: int

    def compressor(self) -> "zlib._Compress":
        return zlib.compressobj(self.level, zlib.DEFLATED, -zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, self.strategy)


def encode_png(samples: NDArray[np.unsignedinteger[Any]], compression: int | None = None) -> bytes:
    r"""Return the bytes of a gray PNG.

    Parameters
    ----------
    samples : ndarray of uint8 or uint16, shape (H, W)
    compression : int, optional
        zlib's level, 0 (none) to 9 (smallest). Without it, run lengths and entropy coding of differences between
        neighbours, which suits photographs and is fast, unless a sample of the rows shows that level 6 is well smaller.

    Examples
    --------
    >>> encode_png(np.zeros((1, 1), np.uint8))[:4]
    b'\x89PNG'
    """
    height, width = samples.shape
    depth = 8 * samples.itemsize
    method = _choose(samples, compression)
    rows = max(1, _STRIP // (width * samples.itemsize))
    tops = range(0, height, rows)
    chunks: dict[int, tuple[bytes, int, int]] = {}

    def compress(top: int) -> None:
        raw = _filtered(samples, top, top + rows, method.filter)
        packer = method.compressor()
        packed = packer.compress(raw.data) + packer.flush(zlib.Z_FINISH if top == tops[-1] else zlib.Z_SYNC_FLUSH)
        chunks[top] = packed, zlib.adler32(raw.data), len(raw)

    share(tops, lambda: compress)
    checksum = 1
    parts = [_SIGNATURE, _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0))]
    for top in tops:
        packed, adler, length = chunks[top]
        checksum = _joined(checksum, adler, length)
        head = _ZLIB_HEADER if top == 0 else b""
        tail = struct.pack(">I", checksum) if top == tops[-1] else b""
        parts.append(_chunk(b"IDAT", head + packed + tail))
    return b"".join([*parts, _chunk(b"IEND", b"")])


def _choose(samples: NDArray[np.unsignedinteger[Any]], level: int | None) -> _Method:
    """Try filters and ways to compress on some of the rows."""
    if level == 0:
        return _Method(_Filter.NONE, 0, zlib.Z_DEFAULT_STRATEGY)
    last = max(0, len(samples) - _PIECE_ROWS)
    tops = sorted({last * piece // (_PIECES - 1) for piece in range(_PIECES)})
    pieces = {
        each: np.concatenate([_filtered(samples, top, top + _PIECE_ROWS, each) for top in tops]) for each in _Filter
    }

    def size(method: _Method) -> int:
        packer = method.compressor()
        return len(packer.compress(pieces[method.filter].data) + packer.flush())

    searches = [_Method(each, 6 if level is None else level, zlib.Z_DEFAULT_STRATEGY) for each in _Filter]
    if level is not None:
        return min(searches, key=size)
    quick = min((_Method(each, 6, zlib.Z_RLE) for each in _Filter), key=size)
    thorough = min(searches, key=size)
    return thorough if size(thorough) < (1 - _WORTH_SEARCHING) * size(quick) else quick


def _filtered(
    samples: NDArray[np.unsignedinteger[Any]], top: int, bottom: int, kind: _Filter
) -> NDArray[np.unsignedinteger[Any]]:
    """Return the bytes of some rows, flat, each row behind the number of its filter."""
    above = max(0, top - 1)
    pixels = samples[above:bottom]
    wide = pixels.astype(pixels.dtype.newbyteorder(">"), order="C", copy=False)
    octets = np.ascontiguousarray(wide).view(np.uint8)
    rows = octets[top - above :]
    raw = np.empty((len(rows), rows.shape[1] + 1), np.uint8)
    raw[:, 0] = kind
    body = raw[:, 1:]
    if kind is _Filter.SUB:
        step = samples.itemsize
        body[:, :step] = rows[:, :step]
        np.subtract(rows[:, step:], rows[:, :-step], out=body[:, step:])
    elif kind is _Filter.UP:
        if top == 0:
            body[0] = rows[0]
        np.subtract(octets[1:], octets[:-1], out=body[top == 0 :])
    else:
        body[...] = rows
    return raw.reshape(-1)


def _joined(first: int, second: int, length: int) -> int:
    """Adler-32 checksum of two pieces of data from theirs, and the length of the second.

    Examples
    --------
    >>> _joined(zlib.adler32(b"ab"), zlib.adler32(b"cde"), 3) == zlib.adler32(b"abcde")
    True
    """
    low = ((first & 0xFFFF) + (second & 0xFFFF) - 1) % _ADLER
    high = ((first >> 16) + (second >> 16) + length * ((first & 0xFFFF) - 1)) % _ADLER
    return high << 16 | low


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))
