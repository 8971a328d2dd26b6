"""What a terminal shows: cells, curves and small pictures, and nothing that breaks at 80 columns."""

import io
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from rich.text import Text

import convkit
from convkit.report.heat import heat_cells, numbered_cells
from convkit.report.kernel_cells import kernel_cells
from convkit.report.side_by_side import side_by_side
from convkit.report.sparkline import curve_lines, sparkline
from convkit.report.thumbnails import half_blocks, thumbnails

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def printed(renderable: object, width: int) -> list[str]:
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(renderable)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def on_terminal(*arguments: str, columns: int = 80, rows: int = 40, cwd: Path, **environment: str) -> str:
    """Run the real command on a terminal of its own, and return all that it wrote there."""
    import fcntl
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    known = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    process = subprocess.Popen(
        [sys.executable, "-m", "convkit", *arguments], stdin=theirs, stdout=theirs, stderr=theirs, cwd=cwd,
        env={**known, "TERM": "xterm-256color", "COLORTERM": "truecolor", **environment},
    )  # fmt: skip
    os.close(theirs)
    written = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the terminal went away with the last process on it
            break
        if not part:
            break
        written += part
    os.close(ours)
    assert process.wait(60) == 0
    return written.decode()


def test_cells_hold_their_numbers_on_their_colours() -> None:
    drawn = numbered_cells(np.array([[1.0, 0.0], [-0.5, np.nan]]))
    assert [line.plain.split() for line in drawn.split("\n")] == [["1", "0"], ["-0.5", "—"]]
    papers = [str(span.style).rpartition(" on ")[2] for span in drawn.spans]
    assert papers == ["#d95f02", "#f7f7f7", "#8caed2", "#c8c8c8"]  # orange, neutral, half of blue, unknown


@pytest.mark.parametrize("side", [1, 7, 31, 63, 200])
@pytest.mark.parametrize("width", [20, 80, 200])
def test_cells_fit_any_terminal_and_say_when_they_are_means(side: int, width: int) -> None:
    lines = heat_cells(np.ones((side, side)), width, height=30).split("\n")
    assert max(line.cell_len for line in lines) <= width
    assert len(lines) <= 31
    assert ("a cell" in lines[-1].plain) == (2 * side > width or side > 30)


@pytest.mark.parametrize(("size", "width"), [(3, 80), (3, 40), (7, 80), (7, 30), (31, 80), (31, 200), (63, 80)])
def test_a_kernel_fits_its_terminal(size: int, width: int, rng: np.random.Generator) -> None:
    taps = rng.standard_normal((size, size))
    block = convkit.learn_kernel().kernel.model_copy(
        update={"learned": taps, "true": taps + 0.01, "standard_error": np.full_like(taps, 0.01)}
    )
    lines = printed(kernel_cells(block, width), width)
    assert max(map(len, lines)) <= width
    titles = "\n".join(lines)
    for title in ("learned", "true", "difference in standard errors"):
        assert title in titles
    if (size, width) == (3, 80):
        assert lines[0].split()[:2] == ["learned", "true"]  # side by side
    if (size, width) == (3, 40):
        assert lines[0] == "learned"


def test_differences_are_told_in_standard_errors_where_there_are_any(noisy, lesson) -> None:
    lines = printed(kernel_cells(noisy.kernel, 80), 80)
    expected = (noisy.kernel.learned - noisy.kernel.true) / noisy.kernel.standard_error
    shown = [float(word) for line in lines[1:] for word in line.split()[-3:]]
    np.testing.assert_allclose(shown, expected.ravel(), rtol=0.05)
    assert "standard errors" not in "\n".join(printed(kernel_cells(lesson.kernel, 80), 80))


def test_pictures_stand_side_by_side_while_they_fit() -> None:
    pictures = [("one", Text("xxxx\nxxxx")), ("two", Text("yyyy"))]
    assert printed(side_by_side(pictures, 11), 11) == ["one    two", "xxxx   yyyy", "xxxx"]
    assert printed(side_by_side(pictures, 10), 10) == ["one", "xxxx", "xxxx", "two", "yyyy"]


def test_curves_have_a_log_scale_and_no_more_characters_than_there_are() -> None:
    assert sparkline([10.0**-n for n in range(8)], 80) == "█▇▆▅▄▃▂▁"
    assert sparkline([1.0, None, float("nan"), 0.0, 1.0], 80)[1:4] == "   "
    assert len(sparkline([1.0] * 1000, 60)) == 60
    assert sparkline([], 5) == ""


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_the_loss_is_a_line_and_what_was_foretold_the_next(lesson, width: int) -> None:
    seen, foretold = curve_lines(lesson, width)
    assert len(seen) <= width
    assert seen.split()[1] == foretold.split()[1]  # they coincide
    assert seen.split()[1][0] == "█"
    assert seen.split()[1][-1] == "▁"


def test_half_blocks_hold_two_pixels_each() -> None:
    pixels = np.array([[[0, 0, 0], [255, 0, 0]], [[0, 255, 0], [0, 0, 255]], [[9, 9, 9], [8, 8, 8]]], np.uint8)
    drawn = half_blocks(pixels, 2)
    assert [str(span.style) for span in drawn.spans] == [
        "#000000 on #00ff00", "#ff0000 on #0000ff", "#090909", "#080808"
    ]  # fmt: skip
    assert drawn.plain == "▀▀\n▀▀"


@pytest.mark.parametrize("width", [30, 80, 200])
@pytest.mark.parametrize("shape", [(6, 8), (1, 40), (40, 1), (300, 1000), (1000, 300)])
def test_thumbnails_fit(width: int, shape: tuple[int, int], rng: np.random.Generator) -> None:
    found = convkit.learn_kernel(rng.random(shape), kernel="2", solver="exact")
    lines = printed(thumbnails(found.workings, width), width)
    assert max(map(len, lines)) <= width
    assert len(lines) <= 3 * 20


def test_a_colour_terminal_shows_cells_curves_and_pictures(tmp_path: Path) -> None:
    shown = on_terminal("learn-kernel", "--lr", "0.01", cwd=tmp_path)
    plain = ESCAPES.sub("", shown)
    assert "▀" in plain
    assert "before" in plain
    assert re.search(r"^loss +█", plain, re.MULTILINE)
    assert re.search(r"^foretold +█", plain, re.MULTILINE)
    assert "48;2;217;95;2" in shown  # orange
    assert re.search(r"\(0,0\) +0.998846", plain)  # the numbers are there in full as well


def test_without_colour_there_are_numbers_and_no_pictures(tmp_path: Path) -> None:
    for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb", "COLORTERM": ""}):
        shown = on_terminal("learn-kernel", "--lr", "0.01", cwd=tmp_path, **environment)
        assert "▀" not in shown
        assert "38;2;" not in shown
        assert "0.998846" in shown
    few = on_terminal("learn-kernel", "--lr", "0.01", cwd=tmp_path, COLORTERM="")
    assert "▀" not in few  # 256 colours are enough for cells, not for pictures
    assert "48;5;" in few


def test_a_pipe_gets_none_of_it(convkit) -> None:
    done = convkit("learn-kernel", env={"FORCE_COLOR": "1", "COLORTERM": "truecolor"})
    assert not set("▀█▁\x1b") & set(done.stdout + done.stderr)


@pytest.mark.parametrize("size", ["31", pytest.param("63", marks=pytest.mark.slow)])
def test_large_kernels_break_nothing_at_80_columns(tmp_path: Path, size: str) -> None:
    shown = on_terminal(
        "learn-kernel", "--image", "noise:size=70", "--kernel", f"box:{size}", "--steps", "3", cwd=tmp_path
    )
    cells = [line for line in shown.splitlines() if "48;2;" in line]
    assert cells
    assert max(len(ESCAPES.sub("", line)) for line in cells) <= 80


def test_long_descents_are_few_rows_on_a_terminal_and_every_one_in_a_pipe(convkit, tmp_path: Path) -> None:
    shown = ESCAPES.sub("", on_terminal("learn-kernel", "--steps", "2000", cwd=tmp_path))
    rows = [line for line in shown.splitlines() if re.match(r" *\d+ +\S+ +\S+ *$", line)]
    assert len(rows) == 24
    assert rows[-1].split()[0] == "2000"
    piped = convkit("learn-kernel", "--steps", "2000").stdout
    assert len(re.findall(r"^ *\d+ +\S+ +\S+$", piped, re.MULTILINE)) == 400


def test_a_kernel_of_the_library_is_shown_in_its_cells(tmp_path: Path) -> None:
    shown = on_terminal("kernels", "sobel", cwd=tmp_path)
    assert "48;2;33;102;172" in shown  # -2 is blue
    assert ESCAPES.sub("", shown).splitlines()[1].split() == ["-1", "0", "1"]
