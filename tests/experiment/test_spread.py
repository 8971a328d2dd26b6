"""One problem on many processes: parts in files, summed with the same bits everywhere."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.ndimage
from PIL import Image as Pillow

from convkit import learn_kernel
from convkit.engine import open_engine
from convkit.experiment import Recovery, inputs, spread
from convkit.recovery import problem

tifffile = pytest.importorskip("tifffile", reason="tiled TIFF needs the extra science")

KERNEL = np.array([[1, 2, 1], [2, 5, 3], [0, 1, 0]]) / 15.0


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treat pictures of a few thousand pixels as if they were of gigapixels."""
    monkeypatch.setattr(problem, "_PART", 3000)
    monkeypatch.setattr(inputs, "_LARGE", 5000)


def filtered(image: np.ndarray) -> np.ndarray:
    return scipy.ndimage.correlate(image, KERNEL, mode="nearest") + 0.01


@pytest.fixture(params=["float32 .npy", "float64 .npy", "integer .npy", "tiled TIFF", "striped TIFF", "PNG"])
def pair(request: pytest.FixtureRequest, tmp_path: Path, rng: np.random.Generator) -> tuple[str, str]:
    """An image and what a filter made of it, in files of one kind."""
    image, kind = rng.random((120, 90)) * 0.9, request.param
    if kind.startswith("float"):
        image = image.astype(kind.split()[0])
        arrays = image, filtered(image).astype(image.dtype)
    else:
        image = np.rint(image * 255) / 255
        arrays = tuple(np.rint(one * 255).astype(np.uint8) for one in (image, filtered(image)))
    suffix = {"y": ".npy", "F": ".tif", "G": ".png"}[kind[-1]]
    paths = tmp_path / f"before{suffix}", tmp_path / f"after{suffix}"
    for path, array in zip(paths, arrays, strict=True):
        if suffix == ".npy":
            np.save(path, array)
        elif suffix == ".png":
            Pillow.fromarray(array).save(path)
        else:
            cut = {"tile": (16, 32)} if kind == "tiled TIFF" else {"rowsperstrip": 7}
            tifffile.imwrite(path, array, compression="zlib", photometric="minisblack", **cut)
    return str(paths[0]), str(paths[1])


def numbers(found: Recovery) -> tuple[object, ...]:
    assert found.kernel is not None
    return (
        found.kernel.learned.tolist(),
        found.kernel.standard_error.tolist(),
        found.bias.learned,
        found.fit.residual_rms,
        found.fit.reproduced,
        found.fit.verdict,
    )


def test_an_engine_changes_no_bit(pair: tuple[str, str]) -> None:
    here = learn_kernel(pair[0], target=pair[1], size=(3, 3))
    there = learn_kernel(pair[0], target=pair[1], size=(3, 3), jobs=1)
    assert numbers(there) == numbers(here)
    assert here.fit.verdict == "exact"
    np.testing.assert_allclose(here.kernel.learned, KERNEL, atol=2e-6 if pair[0].endswith("npy") else 1e-3)


def test_parts_are_seen_by_the_workers_as_windows_of_files(
    pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No pixel travels; and windows read from files hold the pixels that the parent sees."""
    seen = []

    class Engine:
        def tree_reduce(self, work, items, combine, advance):
            for item in items:
                places = (item.image, item.target)
                assert all(isinstance(place, spread.Place) for place in places)
                seen.append(item.loaded().pairs[0])
            return open_engine().tree_reduce(work, items, combine, advance)

        def close(self) -> None:
            pass

    monkeypatch.setattr("convkit.experiment.learn.open_engine", lambda *_, **__: Engine())
    found = learn_kernel(pair[0], target=pair[1], size=(3, 3), jobs=1)
    assert len(seen) >= 4
    assert found.fit.verdict == "exact"


def test_large_files_that_cannot_be_mapped_are_read_from_a_copy(pair: tuple[str, str]) -> None:
    from convkit.image import read_image, read_large

    large = read_large(Path(pair[0]), 5000)
    if pair[0].endswith(".png"):
        assert large is None
        return
    whole = read_image(pair[0])
    np.testing.assert_array_equal(large.values, whole.values.astype(large.values.dtype))
    assert (large.level, large.bits, large.kind) == (whole.level, whole.bits, whole.kind)
    assert not large.values.flags.writeable


@pytest.mark.parametrize("masked", [False, True])
def test_several_pairs_of_colour_pictures(tmp_path: Path, rng: np.random.Generator, *, masked: bool) -> None:
    lines = []
    for number in range(3):
        image = np.rint(rng.random((40 + number, 50, 3)) * 230) / 255
        target = np.dstack([filtered(image[..., channel]) for channel in range(3)])
        names = [f"{side}{number}.png" for side in ("before", "after")]
        for name, array in zip(names, (image, target), strict=True):
            Pillow.fromarray(np.rint(array * 255).astype(np.uint8)).save(tmp_path / name)
        lines.append(",".join(names))
    (tmp_path / "list.csv").write_text("\n".join(lines))
    more = {}
    if masked:
        masks = [rng.random((40 + number, 50)) < 0.8 for number in range(3)]
        more = {"mask": [mask.astype(float) for mask in masks]}
    settings = {"pairs": str(tmp_path / "list.csv"), "size": (3, 3), **more}
    here, there = learn_kernel(**settings), learn_kernel(**settings, jobs=2)
    assert len(here.channels) == 3
    assert numbers(here) == numbers(there)
    assert [one.kernel.learned.tolist() for one in here.channels] == [
        one.kernel.learned.tolist() for one in there.channels
    ]


def test_clipped_pictures_with_more_outputs_than_are_fitted(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Strips are fitted, and every pixel is replayed."""
    monkeypatch.setattr("convkit.experiment.answer._MANY_OUTPUTS", 6000)
    image = rng.integers(0, 256, (200, 150))
    target = np.clip(scipy.ndimage.correlate(image, [[0, -1, 0], [-1, 5, -1], [0, -1, 0]], mode="nearest"), 0, 255)
    for name, array in (("x.png", image), ("y.png", target)):
        Pillow.fromarray(array.astype(np.uint8)).save(tmp_path / name)
    found = learn_kernel(tmp_path / "x.png", target=tmp_path / "y.png", size=(3, 3))
    assert found.fit.verdict == "exact"
    assert found.fit.pixels == found.fit.reproduced >= 198 * 148
    np.testing.assert_array_equal(found.kernel.learned, [[0, -1, 0], [-1, 5, -1], [0, -1, 0]])


def test_progress_counts_the_parts(pair: tuple[str, str]) -> None:
    told: list[tuple[int, int]] = []
    learn_kernel(pair[0], target=pair[1], size=(3, 3), on_progress=lambda *at: told.append(at))
    first = told[: told.index((4, 4)) + 1]
    assert first == [(number, 4) for number in range(5)]


_MEASURED = """
import sys
from pathlib import Path
from convkit import learn_kernel

found = learn_kernel(sys.argv[1], target=sys.argv[2], size=(15, 15))
# ru_maxrss would be that of the parent, if that is larger: it is handed on.
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(found.fit.verdict, status["VmHWM"].split()[0])
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is read from /proc")
@pytest.mark.parametrize("suffix", [".npy", ".tif"])
def test_files_larger_than_memory_take_little_of_it(tmp_path: Path, rng: np.random.Generator, suffix: str) -> None:
    """Two files of 150 megapixels, 1.2 GB as float32, below a gigabyte of resident memory."""
    image = np.lib.format.open_memmap(tmp_path / "x.npy", mode="w+", dtype=np.float32, shape=(10000, 15000))
    for top in range(0, 10000, 1000):
        image[top : top + 1000] = rng.random((1000, 15000), dtype=np.float32)
    image.flush()
    command = [sys.executable, "-m", "convkit", "convolve", "x.npy", "-k", "gaussian:size=15,sigma=2", "-q"]
    subprocess.run([*command, "--padding", "zero", "-o", "y.npy"], cwd=tmp_path, check=True)
    names = [f"x{suffix}", f"y{suffix}"]
    if suffix == ".tif":
        for name in ("x", "y"):
            array = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
            eights = np.rint(np.asarray(array) * 255).astype(np.uint8)
            tifffile.imwrite(tmp_path / f"{name}.tif", eights, tile=(256, 256), compression="zlib")
            del array, eights
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, *names], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    verdict, kilobytes = done.stdout.split()
    assert verdict in ("exact", "linear")
    assert int(kilobytes) < 1 << 20
