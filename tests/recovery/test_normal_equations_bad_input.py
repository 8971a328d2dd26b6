"""Normal equations: files that come back whole or not at all, and messages that name what was wrong."""

import io
import os
import zipfile
from dataclasses import fields, replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from convkit.errors import ConvkitError, ImageError, OutputError, SettingsError, ShapeError
from convkit.recovery import NormalEquations
from convkit.recovery.equations_file import EquationsError


@pytest.fixture
def equations(rng: np.random.Generator) -> NormalEquations:
    image, target = rng.random((9, 10)), rng.random((3, 4))
    return NormalEquations.of(image, target, (2, 3), padding="circular", stride=3, flip=True, bias=False)


@pytest.mark.parametrize("padding", ["circular", None])
def test_round_trip(equations, padding, tmp_path) -> None:
    equations = replace(equations, padding=padding)
    path = tmp_path / "no suffix"
    equations.save(path)
    found = NormalEquations.load(str(path))
    assert_array_equal(found.moments, equations.moments)
    for entry in fields(NormalEquations):
        if entry.name != "moments":
            value = getattr(found, entry.name)
            assert value == getattr(equations, entry.name)
            assert type(value) is type(getattr(equations, entry.name))
    assert_array_equal((found + equations).moments, 2 * equations.moments)
    with np.load(path) as archive:  # readable without convkit
        assert str(archive["schema"]) == "convkit.normal-equations/1"


def test_save_into_nowhere(equations, tmp_path) -> None:
    with pytest.raises(OutputError, match="no folder"):
        equations.save(tmp_path / "no folder" / "a.npz")


def changed(path, **entries) -> None:
    """Rewrite a file with other entries; None leaves one out."""
    with np.load(path) as archive:
        arrays = {**archive, **entries}
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("exploded",)


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        (
            {"schema": "convkit.normal-equations/2"},
            r"normal-equations/1; got 'convkit.normal-equations/2' in .*wrote it",
        ),
        ({"schema": "convkit.recovery/1"}, "got 'convkit.recovery/1' in .*NormalEquations.save"),
        ({"schema": None}, "schema.npy"),
        ({"stride": None}, "stride.npy"),
        ({"stride": 0}, "stride 0"),
        ({"stride": 1.5}, "stride of type float64"),
        ({"stride": [1]}, r"shape \(1,\)"),
        ({"size": [0, 3]}, r"size \(0, 3\)"),
        ({"size": [3, 3]}, r"moments of type float64 and shape \(8, 8\)"),
        ({"size": [10**9, 10**9]}, r"moments of type float64 and shape \(8, 8\)"),
        ({"padding": "strange"}, "strange"),
        ({"padding": "x" * 10**5}, "padding of 400128 bytes"),
        ({"moments": np.zeros((8, 8), np.float32)}, "float32"),
        ({"moments": np.zeros((8, 8))}, "moments that no image has"),
        ({"moments": np.triu(np.ones((8, 8)))}, "moments that no image has"),
        ({"moments": np.full((8, 8), np.nan)}, "not finite"),
        ({"image_range": [0, np.inf]}, "type float64|not finite"),
        ({"moments": np.ones((800, 800))}, "moments of 5120128 bytes"),
        ({"flip": np.array(Bomb(), object)}, "pickle"),
    ],
)
def test_hostile_files(equations, tmp_path, monkeypatch, entries, told) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "hostile.npz"
    equations.save(path)
    changed(path, **entries)
    with pytest.raises(EquationsError, match=told) as caught:
        NormalEquations.load(path)
    assert "hostile.npz" in str(caught.value)
    assert not (tmp_path / "exploded").exists()


def test_damaged_and_foreign_files(equations, tmp_path) -> None:
    whole = io.BytesIO()
    path = tmp_path / "whole.npz"
    equations.save(path)
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    with zipfile.ZipFile(tmp_path / "foreign.npz", "w") as archive:
        archive.writestr("letter.txt", "Dear reader")
    np.save(tmp_path / "single.npy", np.eye(3))
    contents = {
        "empty": b"",
        "short": whole[:-30],
        "half": whole[: len(whole) // 2],
        "flipped": bytes(flipped),
        "text": b"not an archive",
        "foreign": (tmp_path / "foreign.npz").read_bytes(),
        "single": (tmp_path / "single.npy").read_bytes(),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    os.mkfifo(tmp_path / "pipe")
    for name in (*contents, "pipe", "absent", "."):
        with pytest.raises(EquationsError, match=r"expected an \.npz file of normal equations; got .*; try a file"):
            NormalEquations.load(tmp_path / name)


def spoilt(shape: tuple[int, int], value: float, row: int, column: int) -> np.ndarray:
    array = np.ones(shape)
    array[row, column] = value
    return array


GOOD = {"image": np.ones((5, 6)), "target": np.ones((3, 4)), "size": (3, 3)}


@pytest.mark.parametrize(
    ("given", "kind", "told"),
    [
        ({"image": spoilt((5, 6), np.nan, 4, 2)}, ImageError, "got nan at row 4, column 2 of the image"),
        ({"image": spoilt((5, 6), -np.inf, 0, 5)}, ImageError, "got -inf at row 0, column 5 of the image"),
        ({"target": spoilt((3, 4), np.inf, 2, 3)}, ImageError, "got inf at row 2, column 3 of the target"),
        ({"target": spoilt((3, 4), 1e200, 1, 1)}, ImageError, r"got 1e\+200 at row 1, column 1 of the target"),
        ({"image": np.ones((5, 6), complex)}, ImageError, "complex128"),
        ({"image": np.ones((5, 6, 3))}, ShapeError, r"\(5, 6, 3\)"),
        ({"image": np.ones((0, 6))}, ShapeError, r"\(0, 6\)"),
        ({"target": np.ones((3, 5))}, ShapeError, r"shape \(3, 4\) for an image of shape \(5, 6\).*got shape \(3, 5\)"),
        ({"target": np.ones((3, 4)), "padding": "zero"}, ShapeError, r"a target of shape \(5, 6\)"),
        ({"target": np.ones((3, 4)), "stride": 2}, ShapeError, r"a target of shape \(2, 2\)"),
        ({"size": (6, 3)}, ShapeError, "6x3 kernel"),
        ({"size": (0, 3)}, SettingsError, r"\(0, 3\)"),
        ({"size": 3}, SettingsError, "got '3'"),
        ({"size": (1, 2, 3)}, SettingsError, r"\(1, 2, 3\)"),
        ({"size": (2.0, 3)}, SettingsError, r"2\.0"),
        ({"stride": 0}, SettingsError, "got 0"),
        ({"stride": 1.5}, SettingsError, r"got '1\.5'"),
        ({"padding": "mirrored"}, SettingsError, "mirrored"),
        ({"mask": np.zeros((3, 4), bool)}, ImageError, "leaves some output; got False at all 12"),
        ({"mask": np.ones((3, 5), bool)}, ShapeError, r"\(3, 4\); got shape \(3, 5\)"),
        ({"mask": np.ones((3, 4))}, ImageError, "got dtype float64"),
        ({"shift": (0.0, np.nan)}, SettingsError, "nan"),
    ],
)
def test_bad_input(given, kind, told) -> None:
    with pytest.raises(kind, match=told) as caught:
        NormalEquations.of(**GOOD | given)
    assert isinstance(caught.value, ConvkitError)
    assert caught.value.exit_code == 2


def test_a_bad_pixel_is_named_by_its_place_in_the_array_given() -> None:
    for padding in ("zero", "reflect", "circular", "full"):
        image = spoilt((5, 6), np.nan, 0, 1)
        target = np.ones((7, 8) if padding == "full" else (5, 6))
        with pytest.raises(ImageError, match="nan at row 0, column 1 of the image"):
            NormalEquations.of(image, target, (3, 3), padding=padding)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (np.nan, "finite pixels wherever they are used; got nan at row 2, column 3"),
        (-np.inf, "finite pixels wherever they are used; got -inf at row 2, column 3"),
        (-1e200, r"pixels of at most 1e\+\d+; got -1e\+200 at row 2, column 3"),
    ],
)
def test_what_cannot_be_squared_is_told_from_what_is_no_number(value: float, told: str) -> None:
    with pytest.raises(ImageError, match=told):
        NormalEquations.of(spoilt((5, 6), value, 2, 3), np.ones((3, 4)), (3, 3))


@pytest.mark.parametrize(
    "other", [{"size": (2, 3)}, {"bias": False}, {"padding": None}, {"stride": 2}, {"flip": True}, {"padding": "zero"}]
)
def test_only_equations_of_one_kind_add(other) -> None:
    ones = np.ones((9, 9))
    convention = {"padding": "valid", "stride": 1, "size": (3, 3)} | other
    target = {"zero": (9, 9), "valid": (7, 7), None: (7, 7)}[convention["padding"]]
    target = (8, 7) if "size" in other else (4, 4) if "stride" in other else target
    first = NormalEquations.of(ones, np.ones((7, 7)), (3, 3))
    second = NormalEquations.of(ones, np.ones(target), **{"size": (3, 3)} | other)
    ((name, value),) = other.items()
    told = f"with {name} {getattr(first, name)}; got {name} {value};"
    with pytest.raises(EquationsError) as caught:
        first + second
    assert told in str(caught.value)
    with pytest.raises(TypeError):
        first + 1
