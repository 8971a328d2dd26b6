"""Files that are broken, odd or meant to harm, made by code: the same bytes from the same seed."""

import io
import json
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import PIL.Image
import tifffile
from numpy.typing import NDArray

SEED = 20261127
#: What is cut short and flipped: one plain file of each format that convkit reads.
FORMATS = ("png", "jpg", "tif", "tiles.tif", "pgm", "npy", "gif", "webp", "bmp", "csv")


def scene(height: int = 20, width: int = 24) -> NDArray[np.uint8]:
    """A ramp with noise on it, of which no row or column is like another."""
    rng = np.random.default_rng(SEED)
    ramp = np.add.outer(np.arange(height) * 4, np.arange(width) * 3)
    return np.clip(ramp + rng.integers(0, 60, (height, width)), 0, 255).astype(np.uint8)


def whole(kind: str) -> bytes:
    """A sound picture of a format of `FORMATS`."""
    image = scene()
    if kind == "npy":
        return _npy(image.astype(np.float64))
    if kind == "pgm":
        return b"P5\n24 20\n255\n" + image.tobytes()
    if kind == "csv":
        return "".join(",".join(map(str, row)) + "\n" for row in image).encode()
    if kind == "tiles.tif":
        return _tiff(image, tile=(16, 16), compression="zlib")
    return _pillow(PIL.Image.fromarray(image), {"jpg": "JPEG", "tif": "TIFF"}.get(kind, kind.upper()))


def cut(kind: str) -> Iterator[tuple[str, bytes]]:
    """A file without its end, at every sixteenth of its length."""
    data = whole(kind)
    for part in range(1, 16):
        yield f"cut-{part:02d}.{kind}", data[: len(data) * part // 16]


def flipped(kind: str, count: int) -> Iterator[tuple[str, bytes]]:
    """A file with one to eight bits turned over, more often near its start, where the header is."""
    rng = np.random.default_rng([SEED, *kind.encode()])
    for number in range(count):
        data = bytearray(whole(kind))
        reach = min(len(data), 100) if number % 2 else len(data)
        for _ in range(int(rng.integers(1, 9))):
            data[int(rng.integers(reach))] ^= 1 << int(rng.integers(8))
        yield f"flip-{number:03d}.{kind}", bytes(data)


def sound() -> Iterator[tuple[str, bytes]]:
    """Unusual files that mean something: each is to be read, rightly."""
    image = scene()
    gray = PIL.Image.fromarray(image)
    colour = np.stack([image, image[::-1], image[:, ::-1]], axis=2)
    yield "one.png", _pillow(PIL.Image.fromarray(image[:1, :1]), "PNG")
    yield "row.png", _pillow(PIL.Image.fromarray(image[:1]), "PNG")
    yield "column.pgm", b"P5 1 20 255\n" + image[:, 0].tobytes()
    yield "sixteen.png", _pillow(PIL.Image.fromarray(image.astype(np.uint16) * 257), "PNG")
    yield "sixteen-big-endian.tif", _tiff(image.astype(">u2") * np.uint16(257), byteorder=">")
    yield "float-big-endian.tif", _tiff((image / 255).astype(">f4"), byteorder=">")
    yield "interlaced.png", _interlaced(image)
    yield "progressive.jpg", _pillow(gray, "JPEG", progressive=True)
    yield "colour.png", _pillow(PIL.Image.fromarray(colour), "PNG")
    yield "palette.png", _pillow(PIL.Image.fromarray(colour).convert("P"), "PNG")
    yield "bilevel.png", _pillow(gray.convert("1"), "PNG")
    yield "fortran.npy", _npy(np.asfortranarray(image, dtype=np.float32))
    yield "big-endian.npy", _npy(image.astype(">f8"))
    yield "truth.npy", _npy(image > 99)
    yield "plain.pgm", b"P2 # a comment\n3 2 9\n0 1 2\n3 4 9\n"
    yield "points-at-itself.tif", _tiff_that_points_at_itself()
    yield "marks.csv", b"\xef\xbb\xbf# rows\r\n1,2,3\r\n4,5,7\r\n"


def refused() -> Iterator[tuple[str, bytes]]:
    """Files that have no right answer: each is a mistake to be told."""
    image = scene()
    gray = PIL.Image.fromarray(image)
    colour = PIL.Image.fromarray(np.stack([image] * 3, axis=2))
    clear = np.dstack([np.stack([image] * 3, axis=2), image])
    for kind in FORMATS:
        yield f"empty.{kind}", b""
        yield f"magic.{kind}", b"\0\1\2\3" + whole(kind)[4:]
        yield f"text.{kind}", b"this is no picture\n" * 9
        yield f"zeros.{kind}", bytes(4096)
    for word, number in (("nan", np.nan), ("inf", np.inf), ("minus", -np.inf)):
        bad = image / 255
        bad[3, 4] = number
        yield f"{word}.tif", _tiff(bad.astype(np.float32))
        yield f"{word}.npy", _npy(bad)
        yield f"{word}.csv", f"1,2\n3,{number}\n".encode()
    yield "pages.tif", _pages(image, "TIFF", save_all=True)
    yield "moving.gif", _pages(image, "GIF", save_all=True)
    yield "moving.webp", _pages(image, "WEBP", save_all=True, lossless=True)
    yield "moving.png", _pages(image, "PNG", save_all=True)
    yield "cmyk.jpg", _pillow(colour.convert("CMYK"), "JPEG")
    yield "cmyk.tif", _pillow(colour.convert("CMYK"), "TIFF")
    yield "lab.tif", _pillow(colour.convert("LAB"), "TIFF")
    yield "clear.png", _pillow(PIL.Image.fromarray(clear), "PNG")
    yield "palette-alpha.png", _pillow(PIL.Image.fromarray(clear).quantize(16), "PNG")
    yield "two-orders.tif", b"MM" + _pillow(gray, "TIFF")[2:]
    yield "huge.png", _png_of(60000, 60000, b"")
    yield "huge-thin.png", _png_of(2**31 - 1, 1, b"")
    yield "none.png", _png_of(0, 5, b"")
    yield "bomb.png", _png_of(30000, 30000, bytes(9))
    yield "huge.pgm", b"P5\n999999999 999999999\n255\n"
    yield "promised.pgm", b"P5\n20000 20000\n255\n" + bytes(99)
    yield "huge.bmp", _patched(_pillow(gray, "BMP"), 18, struct.pack("<ii", 2**31 - 1, 2**31 - 1))
    yield "huge.gif", _patched(_pillow(gray, "GIF"), 6, struct.pack("<HH", 65535, 65535))
    yield "huge.tif", _tiff_header(2**31, 2**31)
    yield "promised.tif", _tiff_header(20000, 20000)
    for shape in ("(99999999999, 99999999999)", "(20000, 20000)", "(0, 3)", "(-1, 3)", "(3,)", "(2, 2, 2)", "()"):
        yield (
            f"shape-{len(shape)}{shape[1]}.npy",
            _npy_header(f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}"),
        )
    yield "deep.npy", _npy_header("(" * 5000 + ")" * 5000)
    yield "code.npy", _npy_header("__import__('os').system('touch pwned')")
    yield "objects.npy", _npy(np.array([[{}, 1]], dtype=object), allow_pickle=True)
    yield "complex.npy", _npy(image * 1j)
    yield "archive.npy", _npz(image)
    yield "archive.npz", _npz(image)
    yield "pickle.npy", b"cposix\nsystem\n(S'touch pwned'\ntR."
    yield "ragged.csv", b"1,2\n3\n"
    yield "words.csv", b"1,2\nthree,4\n"
    yield "latin.csv", "1,2\n3,é\n".encode("latin-1")
    yield "only-comments.csv", b"# nothing\n" * 99


def kernels() -> Iterator[tuple[str, bytes]]:
    """Kernel files that are none."""
    yield "deep.json", b"[" * 100_000 + b"]" * 100_000
    yield "huge-number.json", b"[[" + b"9" * 5000 + b", 1]]"
    yield "words.json", b'{"taps": [["1", true]]}'
    yield "nan.json", b'{"taps": [[NaN, 1]]}'
    yield "other.json", b'{"schema": "convkit.recovery/1", "kernel": 5}'
    yield "ragged.json", b"[[1, 2], [3]]"
    yield "cut.json", b'{"taps": [[1,'
    yield "wide.json", json.dumps([[1] * 5000]).encode()
    yield "huge.mat", b"999999999 999999999\n1 2 3\n"
    yield "none.mat", b"0 0\n"
    yield "cut.mat", b"3 3 9 0\n1 2 3\n"
    yield "zero-scale.mat", b"1 1 0 0\n1\n"
    yield "bytes.mat", bytes(range(256))
    yield "huge.txt", b"999999999x999999999: 1"
    yield "slashes.txt", b"(1,2)/0"
    yield "wide.csv", b",".join([b"1"] * 5000)
    yield "empty.json", b""
    yield "black.png", _pillow(PIL.Image.fromarray(np.zeros((3, 3), np.uint8)), "PNG")


def configurations() -> Iterator[tuple[str, bytes]]:
    """Configurations and saved runs that are none."""
    yield "deep.toml", b"kernel = " + b"[" * 50_000
    yield "deep-table.toml", b"[" + b".".join([b"a"] * 20_000) + b"]"
    yield "large.toml", b"# " + b"x" * 2_000_000
    yield "bytes.toml", bytes(range(256))
    yield "unknown.toml", b'kernal = "1"\n'
    yield "vary.toml", b"vary = 3\n"
    yield "date.toml", b"kernel = 1979-05-27\n"
    yield "huge-number.toml", b"steps = " + b"9" * 5000
    yield "infinite.toml", b"lr = inf\n"
    yield "wrong.toml", b"steps = [[1]]\n[vary]\nseed = {a = 1}\n"
    yield "endless.toml", b"[vary]\nseed = [" + b"0," * 100_000 + b"]\nsteps = [" + b"1," * 100_000 + b"]\n"
    yield "deep.jsonl", b'{"schema": "convkit.run/1", "x": ' + b"[" * 100_000 + b"\n"
    yield "other.jsonl", b'{"schema": "convkit.run/99"}\n'
    yield "list.jsonl", b"[]\n"
    yield "half.jsonl", b'{"schema": "convkit.run/1", "key": "x"}\n'
    yield "bytes.jsonl", bytes(range(256)) * 9
    yield "number.jsonl", b"9" * 5000 + b"\n"


#: Names that a terminal, a page of HTML, a table or a shell could take for something else.
NAMES = (
    b"new\nline.png",
    b"[bold]red[/bold].png",
    b"[/].png",
    b"<script>alert(1)</script>.png",
    b"{{ 7*7 }}&amp;\"'.png",
    b"$(touch pwned);`touch pwned`.png",
    b"\x1b[31m\x07.png",
    b"\xff\xfe\x80.png",
    "\u202egnp.png".encode(),
    b" .png",
    b"%s%n{input}.png",
    b"a" * 240 + b".png",
)


def odd_places(folder: Path) -> list[Path]:
    """Things that are no files: links in a circle, a broken link, a folder, a pipe, a device."""
    places = [folder / f"{name}.png" for name in ("circle", "broken", "folder", "pipe", "null", "file.png/inside")]
    places[0].symlink_to(folder / "other.png")
    (folder / "other.png").symlink_to(places[0])
    places[1].symlink_to("nowhere.png")
    places[2].mkdir()
    os.mkfifo(places[3])
    places[4].symlink_to("/dev/zero")
    (folder / "file.png").write_bytes(whole("png"))
    return places


def _pillow(picture: PIL.Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **({"lossless": True} if kind == "WEBP" else {}) | options)
    return file.getvalue()


def _pages(image: NDArray[np.uint8], kind: str, **options: object) -> bytes:
    others = [PIL.Image.fromarray(np.roll(image, step, axis=1)) for step in (5, 9)]
    return _pillow(PIL.Image.fromarray(image), kind, append_images=others, **options)


def _tiff(image: NDArray[np.generic], **options: object) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, image, photometric="minisblack", **options)
    return file.getvalue()


def _npy(array: NDArray[np.generic], *, allow_pickle: bool = False) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=allow_pickle)
    return file.getvalue()


def _npz(array: NDArray[np.generic]) -> bytes:
    file = io.BytesIO()
    np.savez(file, array)
    return file.getvalue()


def _npy_header(text: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text) + 1) + text.encode() + b"\n"


def _patched(data: bytes, place: int, new: bytes) -> bytes:
    return data[:place] + new + data[place + len(new) :]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png_of(width: int, height: int, repeated: bytes, *, interlaced: bool = False, data: bytes | None = None) -> bytes:
    """A PNG whose header promises a size; of a bomb, a little data that grows to all of it."""
    if data is None:
        packer = zlib.compressobj(9)
        data = b"".join(packer.compress(bytes(1 << 20)) for _ in range(64 if repeated else 0)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, interlaced)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _interlaced(image: NDArray[np.uint8]) -> bytes:
    """Adam7, which Pillow reads and does not write."""
    rows = b""
    for top, left, down, across in (
        (0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1),
    ):  # fmt: skip
        rows += b"".join(b"\0" + row.tobytes() for row in image[top::down, left::across])
    height, width = image.shape
    return _png_of(width, height, b"", interlaced=True, data=zlib.compress(rows))


def _tiff_header(width: int, height: int) -> bytes:
    """An uncompressed 8-bit TIFF without its pixels."""
    tags = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (278, 4, height),
            (279, 4, min(width * height, 2**32 - 1))]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(tags)) + entries + bytes(4)


def _tiff_that_points_at_itself() -> bytes:
    """A TIFF whose list of pages never ends."""
    data = bytearray(_tiff_header(3, 3))
    data[-4:] = struct.pack("<I", 8)
    return bytes(data) + bytes(range(9))
