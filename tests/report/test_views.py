"""Results in a notebook: HTML, rich text, figures, dictionaries and files."""

import io
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from rich.console import Console

import convkit
from convkit.report.palette import BLUE, NEUTRAL, ORANGE, hexadecimal


@pytest.fixture(scope="module")
def grid() -> convkit.Comparison:
    return convkit.compare(convkit.Experiment(image="noise:size=20"), vary={"solver": ["exact", "gd"]})


def parsed(result: object) -> ET.Element:
    """As strict XML: whatever is not closed or escaped would fail."""
    return ET.fromstring(f"<div>{result._repr_html_()}</div>")  # noqa: S314


def printed(result: object) -> str:
    console = Console(width=200, file=io.StringIO(), color_system=None)
    console.print(result)
    return console.file.getvalue()


def test_a_recovery_tells_its_verdict_and_shows_its_kernel_and_loss(lesson: convkit.Recovery) -> None:
    page = parsed(lesson)
    told = "Recovered. The data determine all 3 unknowns, and after 40 steps every tap is within 0.00115 of the true"
    told += " kernel."
    assert page.find("p/strong").text == told
    captions = [caption.text for caption in page.iter("caption")]
    assert captions == ["learned", "true", "learned − true", "standard error"]
    cells = [cell.text for cell in page.iter("td")]
    assert cells[:4] == ["0.9988", "-0.999", "1", "-1"]
    assert page.find(".//{http://www.w3.org/2000/svg}svg") is not None
    assert printed(lesson).splitlines()[0] == told


def test_open_taps_are_not_told(open_ended: convkit.Recovery) -> None:
    cells = [cell.text for cell in parsed(open_ended).iter("td")]
    assert cells[:9] == ["—"] * 9
    assert "determine only 4 of the 10 unknowns" in open_ended._repr_html_()
    assert printed(open_ended).count("—") == 18


def test_open_taps_that_a_price_settles_are_told() -> None:
    """As on the terminal and in the page."""
    priced = convkit.learn_kernel(size=3, solver="exact", ridge=0.1)
    assert "—" not in [cell.text for cell in parsed(priced).iter("td")][:9]
    assert "—" not in printed(priced).splitlines()[2]


def test_a_kernel_is_a_table_in_its_colours() -> None:
    page = parsed(convkit.Kernel.of("sobel"))
    styles = [cell.attrib["style"] for cell in page.iter("td")]
    for place, colour in ((1, NEUTRAL), (3, BLUE), (5, ORANGE)):
        assert hexadecimal(colour) in styles[place]
    assert page.find(".//caption").text == "sobel, 3x3, sum 0"
    assert printed(convkit.Kernel.of("sobel")).splitlines()[0] == "sobel, 3x3, sum 0"


def test_names_are_escaped() -> None:
    name = '<script>alert("1")</script> & [bold]'
    kernel = convkit.Kernel([[1.0]], name=name)
    assert parsed(kernel).find(".//caption").text.startswith(name)
    assert name in printed(kernel)


def test_large_kernels_are_cells_without_numbers() -> None:
    cells = list(parsed(convkit.Kernel(np.ones((31, 31)))).iter("td"))
    assert len(cells) == 961
    assert not any(cell.text for cell in cells)


def test_a_comparison_is_a_table(grid: convkit.Comparison) -> None:
    page = parsed(grid)
    assert next(head.text for head in page.iter("th")) == "solver"
    assert [row[0].text for row in page.find("table/tbody")] == ["exact", "gd"]
    assert "exact" in printed(grid)


def test_every_result_can_be_drawn(lesson, noisy, grid: convkit.Comparison) -> None:
    for result in (lesson, noisy, grid, convkit.Kernel.of("gaussian:sigma=2")):
        figure = result.plot()
        assert isinstance(figure, Figure)
        assert figure._repr_png_().startswith(b"\x89PNG")


def test_results_come_back_from_their_files(lesson, noisy, grid: convkit.Comparison, tmp_path: Path) -> None:
    for result in (lesson, noisy, grid, convkit.Kernel.of("pillow/emboss")):
        path = tmp_path / "result.json"
        result.save(path)
        assert json.loads(path.read_text()) == result.to_dict()
        assert type(result).load(path).to_dict() == result.to_dict()


@pytest.mark.parametrize("suffix", [".npy", ".csv", ".txt", ".mat", ".json"])
def test_kernels_come_back_from_any_file(suffix: str, tmp_path: Path, rng: np.random.Generator) -> None:
    kernel = convkit.Kernel(rng.standard_normal((3, 4)))
    kernel.save(tmp_path / f"k{suffix}")
    np.testing.assert_array_equal(convkit.Kernel.load(tmp_path / f"k{suffix}").taps, kernel.taps)


def test_what_cannot_be_saved_or_loaded_says_why(tmp_path: Path) -> None:
    with pytest.raises(convkit.ConvkitError, match=r"ending in \.json.*got '.*k\.bmp"):
        convkit.Kernel.of("sobel").save(tmp_path / "k.bmp")
    with pytest.raises(convkit.ConvkitError, match="a folder to write into"):
        convkit.learn_kernel().save(tmp_path / "no" / "found.json")
    with pytest.raises(convkit.ConvkitError, match=r"expected a saved Recovery; got .*No such file"):
        convkit.Recovery.load(tmp_path / "missing.json")
    (tmp_path / "other.json").write_text('{"schema": "convkit.kernel/1"}')
    with pytest.raises(convkit.ConvkitError, match=r"expected a saved Comparison; got .*other.json"):
        convkit.Comparison.load(tmp_path / "other.json")
