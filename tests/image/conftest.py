"""Pictures written by hand, byte for byte, so that no library that reads them also wrote them."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import skimage

ADAM7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _scanlines(samples: np.ndarray, depth: int) -> bytes:
    """Rows of a PNG, each after a filter byte of 0; samples below 8 bits are packed from the left."""
    if depth == 16:
        rows = [row.astype(">u2").tobytes() for row in samples]
    else:
        bits = (samples.reshape(len(samples), -1, 1) >> np.arange(depth)[::-1]) & 1
        rows = [np.packbits(row.ravel().astype(np.uint8)).tobytes() for row in bits]
    return b"".join(b"\0" + row for row in rows)


def _png(samples, depth: int, colour: int, *, extra: bytes = b"", interlaced: bool = False) -> bytes:
    samples = np.asarray(samples)
    height, width = samples.shape[:2]
    parts = [samples[y::dy, x::dx] for y, x, dy, dx in ADAM7] if interlaced else [samples]
    raw = b"".join(_scanlines(part, depth) for part in parts if part.size)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    chunks = [_chunk(b"IHDR", header), extra, _chunk(b"IDAT", zlib.compress(raw)), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.fixture(scope="session")
def make_png() -> Callable[..., bytes]:
    return _png


@pytest.fixture(scope="session")
def make_chunk() -> Callable[[bytes, bytes], bytes]:
    return _chunk


@pytest.fixture
def photo() -> Callable[[str], Path]:
    """The path of one of the photographs that come with scikit-image."""
    return lambda name: Path(skimage.data_dir) / name


@pytest.fixture
def save(tmp_path) -> Callable[[str, bytes], Path]:
    """Write bytes under a name, and return the path."""

    def write(name: str, data: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write
