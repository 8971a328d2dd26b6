"""Documents that are made from the code are fresh; what is printed as JSON is what the published schemas say."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pydantic
import pytest
from PIL import Image, ImageFilter

from convkit import save_image

EXTERNAL = re.compile(
    r"""<(?:script|img|iframe|source)[^>]*\ssrc=["']?(?:https?:)?//|<link[^>]*rel=["']?(?:stylesheet|icon|preconnect)[^>]*https?://"""
)


def strict(schema: Any) -> Any:
    """Allow no field that a schema does not know."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(part) for key, part in schema.items()}
    return made | {"additionalProperties": False} if "properties" in made else made


def check(root: Path, text: str) -> dict[str, Any]:
    """Hold a record to the schema that it names; return it."""
    record = json.loads(text)
    family, version = record["schema"].removeprefix("convkit.").split("/")
    schema = json.loads((root / f"docs/schemas/{family}-{version}.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(strict(schema)).validate(record)
    return record


@pytest.fixture
def pair(tmp_path: Path, rng) -> Path:
    """A folder with pictures before and after, gray and in colour."""
    colours = Image.fromarray(rng.integers(0, 256, (48, 56, 3)).astype(np.uint8))
    for name, picture in (("gray", colours.convert("L")), ("colour", colours)):
        picture.save(tmp_path / f"{name}.png")
        picture.filter(ImageFilter.SMOOTH).save(tmp_path / f"{name}-after.png")
        picture.filter(ImageFilter.MedianFilter(3)).save(tmp_path / f"{name}-median.png")
    colours.convert("L").resize((28, 24), Image.Resampling.BILINEAR).save(tmp_path / "half.png")
    return tmp_path


def test_schemas_without_a_model_know_every_word() -> None:
    """`cli/records.py` spells out what loading the models would take too long for."""
    from typing import get_args, get_type_hints

    from convkit.cli.records import ConventionRecord, ConvolutionRecord
    from convkit.convolution import Backend, Padding
    from convkit.image.mapping import Mapping

    spelled = get_type_hints(ConvolutionRecord) | get_type_hints(ConventionRecord)
    for field, words in {"backend": Backend, "padding": Padding, "map": Mapping}.items():
        assert set(get_args(spelled[field])) == set(words), field


LEARNING = {
    "the lesson": (),
    "not identifiable": ("--size", "3"),
    "diverged": ("--lr", "0.02"),
    "ridge": ("--image", "noise", "--solver", "exact", "--ridge", "auto", "--noise", "0.1"),
    "constraint": ("--image", "noise", "--solver", "exact", "--constraint", "sum-one", "--no-bias"),
    "expectation": ("--solver", "exact", "--expect", "1,-0.9", "--tolerance", "1e-3"),
    "proven": ("--image", "gray.png", "--target", "gray-after.png"),
    "robust": ("--image", "gray.png", "--target", "gray-after.png", "--size", "3", "--loss", "huber"),
    "not linear": ("--image", "gray.png", "--target", "gray-median.png", "--size", "3"),
    "colour": ("--image", "colour.png", "--target", "colour-after.png"),
    "resizer": ("--image", "gray.png", "--target", "half.png", "--stride", "auto"),
}


@pytest.mark.parametrize("options", LEARNING.values(), ids=LEARNING)
def test_learn_kernel(options: tuple[str, ...], convkit, root: Path, pair: Path) -> None:
    done = convkit("learn-kernel", *options, "--json")
    assert done.returncode in (0, 1), done.stderr
    assert check(root, done.stdout)["schema"] == "convkit.recovery/1"


def test_of_a_program(convkit, root: Path) -> None:
    program = f"{sys.executable} -m convkit convolve {{input}} -k box:3 -o {{output}} -q --padding reflect"
    record = check(root, convkit("learn-kernel", "--program", program, "--size", "3", "--json").stdout)
    assert record["probe"]["runs"] > 0


def test_compare_and_its_file(convkit, root: Path, tmp_path: Path) -> None:
    grid = ("compare", "--image", "noise", "--vary", "noise=0.1 0.2", "--vary", "seed=0:2", "--vary", "size=1x2 99")
    plan = check(root, convkit(*grid, "--save", "runs.jsonl", "--dry-run", "--json").stdout)
    assert (plan["schema"], plan["runs"]) == ("convkit.plan/1", 8)
    done = convkit(*grid, "--save", "runs.jsonl", "--json")
    assert check(root, done.stdout)["schema"] == "convkit.comparison/1"
    lines = (tmp_path / "runs.jsonl").read_text().splitlines()
    statuses = {check(root, line)["status"] for line in lines}
    assert "failed" in statuses  # a kernel larger than the image
    assert len(lines) == 8
    grouped = convkit("compare", "runs.jsonl", "--group", "noise,size", "--json")
    assert len(check(root, grouped.stdout)["groups"]) == 4


def test_convolve(convkit, root: Path, tmp_path: Path, rng) -> None:
    save_image(tmp_path / "a.png", rng.random((40, 30)))
    (tmp_path / "b.png").write_text("no picture")
    small = check(root, convkit("convolve", "1,2,3", "-k", "1,1", "--json").stdout)
    assert small["values"] == [[3.0, 5.0]]
    written = ("convolve", "a.png", "-k", "sobel", "-o", "out.png", "--padding", "reflect", "--stride", "2", "--flip")
    assert check(root, convkit(*written, "--json").stdout)["convention"]["operation"] == "convolution"
    magnitude = ("convolve", "a.png", "-k", "sobel-x", "-k", "sobel-y", "--combine", "magnitude", "-o", "m.npy")
    assert check(root, convkit(*magnitude, "--json").stdout)["map"] == "none"
    many = check(root, convkit("convolve", "a.png", "b.png", "-k", "box:3", "-o", "folder/", "--json").stdout)
    assert (len(many["images"]), len(many["failed"])) == (1, 1)


def test_kernels(convkit, root: Path) -> None:
    assert check(root, convkit("kernels", "--json").stdout)["schema"] == "convkit.kernels/1"
    assert check(root, convkit("kernels", "sobel", "--json").stdout)["separable"]
    assert check(root, convkit("kernels", "1,2;3,4", "--json").stdout)["name"] is None


def test_a_field_that_nobody_told_of_is_noticed(convkit, root: Path) -> None:
    record = json.loads(convkit("kernels", "sobel", "--json").stdout)
    check(root, json.dumps(record))
    with pytest.raises(jsonschema.ValidationError, match="surprise"):
        check(root, json.dumps(record | {"surprise": 1}))
    del record["rank"]
    with pytest.raises(jsonschema.ValidationError, match="rank"):
        check(root, json.dumps(record))


def test_generated_files_are_fresh(root: Path) -> None:
    pinned = f"pydantic=={pydantic.VERSION}"
    if pinned not in (root / "constraints.txt").read_text().splitlines():
        pytest.skip(f"{pinned} is not the version that writes the schemas, which each writes a little differently")
    done = subprocess.run([sys.executable, root / "tools/generated.py"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_option_is_in_reference_and_manual_page(convkit, root: Path) -> None:
    manual = (root / "docs/convkit.1").read_text().replace(r"\-", "-")
    for command in ("convolve", "learn-kernel", "compare", "kernels"):
        options = set(re.findall(r"--[a-z][a-z-]+", convkit(command, "--help").stdout))
        page = (root / f"docs/reference/{command}.md").read_text()
        # Help mentions other commands' options in passing; all of its own stand at the beginning of a line.
        own = set(re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", convkit(command, "--help").stdout, re.MULTILINE))
        assert own
        assert own <= options
        assert {one for one in own if one not in page} == set()
        assert {one for one in own if one not in manual} == set()


def test_the_manual_page_renders_without_a_warning(root: Path) -> None:
    if shutil.which("man") is None:
        pytest.skip("not installed: man")
    for locale in ("C", "C.UTF-8"):
        done = subprocess.run(
            ["man", "--warnings", "-E", "UTF-8", "-l", root / "docs/convkit.1"],
            env={"PATH": "/usr/bin:/bin", "LC_ALL": locale, "MANWIDTH": "80", "HOME": "/nonexistent"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert "--program-timeout" in done.stdout


@pytest.mark.slow
def test_the_site_builds_without_warnings_and_fetches_nothing(root: Path, tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="not installed: the extra docs")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) > 15
    for page in pages:
        assert EXTERNAL.search(page.read_text(encoding="utf-8")) is None, page
    for style in (tmp_path / "site").rglob("*.css"):
        assert not re.search(r"url\(['\"]?(?:https?:)?//", style.read_text(encoding="utf-8")), style
