"""Figures: what is drawn, in which colours, and that the same run gives the same bytes."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

import convkit
from convkit.report.figures import (
    comparison_figure,
    convolution_figure,
    encoded,
    kernel_figure,
    panels,
    recovery_figure,
    to_svg,
)
from convkit.report.figures.comparison import caption
from convkit.report.figures.matrix import draw_matrix
from convkit.report.figures.response import magnitude, magnitude_error
from convkit.report.figures.style import drawn, signed_map
from convkit.report.palette import BLUE, NEUTRAL, ORANGE, UNKNOWN


def texts(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(matplotlib.text.Text))


def panel(found: convkit.Recovery, name: str) -> Figure:
    return next(one for one in panels(found) if one.name == name).figure(found)


def test_what_applies_is_shown(lesson, open_ended, noisy) -> None:
    assert [one.name for one in panels(lesson)] == ["taps", "loss", "residual", "spectrum", "response", "profiles"]
    # What is open has no response, and nothing to draw error bars on.
    assert [one.name for one in panels(open_ended)] == ["taps", "loss", "residual", "spectrum"]
    assert [one.name for one in panels(noisy)] == ["taps", "residual", "spectrum", "response", "profiles"]


def test_a_record_from_a_file_shows_what_it_holds(lesson, tmp_path: Path) -> None:
    lesson.save(tmp_path / "found.json")
    loaded = convkit.Recovery.load(tmp_path / "found.json")
    assert [one.name for one in panels(loaded)] == ["taps", "loss", "response", "profiles"]
    assert encoded(recovery_figure(loaded), ".png").startswith(b"\x89PNG")


def test_zero_is_neutral_and_signs_have_their_colours() -> None:
    values = np.array([[-2.0, 0.0, 2.0, np.nan]])
    figure = drawn((4.0, 2.0), lambda one: draw_matrix(one.subplots(), values, side=0.1))
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3]
    axes = figure.axes[0]
    for column, colour in enumerate([BLUE, NEUTRAL, ORANGE, UNKNOWN]):
        x, y = axes.transData.transform((column, 0.25))
        assert tuple(pixels[pixels.shape[0] - 1 - int(y), int(x)].tolist()) == pytest.approx(colour, abs=2)


def test_the_map_is_symmetric_in_lightness() -> None:
    greys = signed_map()(np.linspace(-1, 1, 101) / 2 + 0.5)[:, :3] @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(greys[:50]) > 0).all()
    assert (np.diff(greys[51:]) < 0).all()


def test_numbers_are_those_of_the_record(lesson) -> None:
    drawn_texts = texts(panel(lesson, "taps")).splitlines()
    assert {"learned", "true", "learned − true", "standard error", "0.999", "-0.999", "1", "-1"} <= set(drawn_texts)


def test_open_taps_are_gray_and_said_to_be(open_ended) -> None:
    figure = panel(open_ended, "taps")
    assert texts(figure).count("open") == 9
    taps = next(one for one in panels(open_ended) if one.name == "taps")
    assert "open" in taps.caption(open_ended)


def test_the_loss_is_drawn_as_recorded_with_what_was_foretold(lesson) -> None:
    axes = panel(lesson, "loss").axes[0]
    seen, foretold = axes.lines[:2]
    np.testing.assert_array_equal(seen.get_xdata(), np.arange(1, 41))
    np.testing.assert_array_equal(seen.get_ydata(), [one.loss for one in lesson.losses])
    np.testing.assert_array_equal(foretold.get_ydata(), [one.predicted for one in lesson.losses])
    assert axes.get_yscale() == "log"
    assert "62.2 % of the stable limit 0.0161" in axes.get_title(loc="left")
    beyond = panel(convkit.learn_kernel(lr=0.02), "loss")
    assert "BEYOND the stable limit 0.0161" in beyond.axes[0].get_title(loc="left")


def test_eigenvalues_seen_and_not_seen_are_told_apart(open_ended) -> None:
    seen, hidden = panel(open_ended, "spectrum").axes[0].lines
    assert (len(seen.get_xdata()), len(hidden.get_xdata())) == (4, 6)
    assert seen.get_ydata().min() > 1e6 * hidden.get_ydata().max()


def test_residuals_of_rounding_alone_look_like_nothing(lesson) -> None:
    image = panel(lesson, "residual").axes[0].images[0]
    assert np.abs(image.get_array()).max() < 1e-3 * image.get_clim()[1]


def test_the_histogram_is_laid_beside_what_rounding_leaves(tmp_path: Path, root: Path) -> None:
    after = tmp_path / "after.png"
    scene = str(root / "pictures/scene.png")
    convkit.save_image(after, convkit.convolve(convkit.load_image(scene), "gaussian:sigma=1,size=3"))
    found = convkit.learn_kernel(scene, target=str(after), size=3)
    figure = panel(found, "residual")
    seen, rounding = figure.axes[1].patches
    heights, edges, _ = seen.get_data()
    box, (low, high), _ = rounding.get_data()
    assert (low, high) == (-0.5, 0.5)
    inside = heights[(edges[:-1] >= -0.45) & (edges[1:] <= 0.45)]
    assert box[0] == pytest.approx(inside.mean(), rel=0.02)
    assert heights.sum() == found.workings.residual.size
    assert "levels" in texts(figure)


def test_frequency_response_is_the_fourier_transform(rng: np.random.Generator) -> None:
    taps = rng.standard_normal((3, 5))
    whole = np.abs(np.fft.fft2(taps, (64, 64)))
    down, across = (part.ravel() for part in np.meshgrid(np.arange(64) / 64, np.arange(64) / 64, indexing="ij"))
    np.testing.assert_allclose(magnitude(taps, down, across), whole.ravel(), atol=1e-12)


def test_error_of_the_response_is_that_of_many_draws(rng: np.random.Generator) -> None:
    taps = np.array([[0.2, 0.5, 0.2], [0.1, 0.9, 0.3]])
    mixing = 1e-3 * rng.standard_normal((6, 6))
    covariance = mixing @ mixing.T
    down, across = np.array([0.0, 0.1, 0.3, 0.05]), np.array([0.0, 0.2, 0.25, 0.45])
    draws = taps.ravel() + rng.multivariate_normal(np.zeros(6), covariance, 20_000)
    spread = np.std([magnitude(one.reshape(2, 3), down, across) for one in draws], axis=0)
    # The standard deviation of 20,000 draws is known to 1 / √40,000 = 0.5 %; six times that.
    np.testing.assert_allclose(magnitude_error(taps, covariance, down, across), spread, rtol=0.03)


def test_where_the_response_is_zero_the_largest_error_is_told() -> None:
    error = magnitude_error(np.array([[1.0, -1.0]]), np.diag([0.04, 0.04]), np.zeros(1), np.zeros(1))
    assert error == pytest.approx([np.sqrt(0.08)])


def test_error_bars_are_two_standard_errors_about_the_taps(noisy) -> None:
    axes = panel(noisy, "profiles").axes[0]
    (bars,) = axes.containers
    low, high = np.array([segment[:, 1] for segment in bars[2][0].get_segments()]).T
    np.testing.assert_allclose((low + high) / 2, noisy.kernel.learned[1])
    np.testing.assert_allclose((high - low) / 4, noisy.kernel.standard_error[1])


@pytest.mark.parametrize("name", ["lesson", "open_ended", "noisy"])
def test_legends_cover_no_data_and_axes_say_what_they_measure(name: str, request: pytest.FixtureRequest) -> None:
    found = request.getfixturevalue(name)
    for one in panels(found):
        figure = one.figure(found)
        figure.canvas.draw()
        for legend in figure.legends:
            for axes in figure.axes:
                assert not legend.get_window_extent().overlaps(axes.get_window_extent()), one.name
        for axes in figure.axes:
            assert axes.get_legend() is None
            if axes.lines:
                assert axes.get_xlabel(), one.name
        assert one.caption(found).endswith(".")


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_same_run_same_bytes_in_any_process(convkit, tmp_path: Path, suffix: str) -> None:
    """Whatever Python's hashes, and without the date or the version that made it."""
    for seed, name in (("1", "a"), ("2", "b")):
        done = convkit("learn-kernel", "--size", "3", "--plot", name + suffix, "-q", env={"PYTHONHASHSEED": seed})
        assert done.returncode == 0, done.stderr
    first, second = ((tmp_path / (name + suffix)).read_bytes() for name in "ab")
    assert first == second
    assert b"Date" not in first
    assert matplotlib.__version__.encode() not in first


def test_the_users_own_style_changes_nothing(lesson) -> None:
    plain = encoded(panel(lesson, "loss"), ".svg")
    with matplotlib.rc_context({"font.size": 30, "svg.fonttype": "path", "axes.grid": True, "lines.linewidth": 9}):
        assert encoded(panel(lesson, "loss"), ".svg") == plain


def test_drawing_needs_neither_pyplot_nor_a_screen(tmp_path: Path) -> None:
    code = (
        "import sys, convkit\nfrom convkit.report.figures import encoded, recovery_figure\n"
        "encoded(recovery_figure(convkit.learn_kernel()), '.png')\nassert 'matplotlib.pyplot' not in sys.modules"
    )
    environment = {"PATH": "/usr/bin", "MPLBACKEND": "TkAgg", "HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, cwd=tmp_path)


def test_svg_for_a_page_keeps_to_itself(lesson, open_ended) -> None:
    svgs = [to_svg(one.figure(found), f"{one.name}{number}", 'a "title" & <more>')
            for number, found in enumerate((lesson, open_ended)) for one in panels(found)]  # fmt: skip
    ids: Counter[str] = Counter()
    for svg in svgs:
        root = ET.fromstring(svg)  # noqa: S314 (our own)
        assert root.attrib["aria-label"] == 'a "title" & <more>'
        assert root.attrib["role"] == "img"
        names = {element.tag.rpartition("}")[2] for element in root.iter()}
        assert not names & {"style", "script", "metadata", "title", "foreignObject"}
        assert "text" in names
        assert "currentColor" in svg
        own = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
        ids.update(own)
        assert set(re.findall(r"(?:url\(#|href=\"#)([^)\"]+)", svg)) == set(own)
        assert "http" not in svg.replace("http://www.w3.org/", "")
    assert max(ids.values()) == 1
    assert sum(map(len, svgs)) < 300_000


@pytest.mark.slow
def test_large_kernels_stay_small_and_say_what_is_left_out() -> None:
    found = convkit.learn_kernel(image="noise:size=160,mean=0", kernel="gaussian:sigma=9,size=63", solver="exact")
    for one in panels(found):
        assert len(to_svg(one.figure(found), one.name)) < 200_000, one.name
    taps = next(one for one in panels(found) if one.name == "taps")
    assert "3969 taps, too many for numbers" in taps.caption(found)


def test_long_runs_stay_small_and_say_what_is_left_out() -> None:
    long = convkit.learn_kernel(steps=100_000, lr=0.01)
    loss = next(one for one in panels(long) if one.name == "loss")
    assert "100000 steps, about every 250. drawn" in loss.caption(long)
    assert len(loss.figure(long).axes[0].lines[0].get_xdata()) == 400
    assert len(to_svg(loss.figure(long), "loss")) < 60_000


def test_a_descent_that_has_not_arrived_does_not_pass_its_error_bars_off() -> None:
    found = convkit.learn_kernel(image="noise", kernel="sobel", noise=0.1, steps=5)
    for name in ("response", "profiles"):
        assert "has not arrived" in next(one for one in panels(found) if one.name == name).caption(found)


def test_channels_that_differ_have_a_row_each(tmp_path: Path, rng: np.random.Generator) -> None:
    import PIL.Image

    before = rng.integers(0, 200, (40, 40, 3), dtype=np.uint8)
    after = before.copy()
    after[:, 1:, 0] = (before[:, 1:, 0] + before[:, :-1, 0].astype(int)) // 2
    for name, values in (("a.png", before), ("b.png", after)):
        PIL.Image.fromarray(values).save(tmp_path / name)
    found = convkit.learn_kernel(str(tmp_path / "a.png"), target=str(tmp_path / "b.png"), size=3)
    assert found.kernel is None
    figure = recovery_figure(found)
    assert {"learned (red)", "learned (green)", "learned (blue)", "before, 40x40"} <= set(texts(figure).splitlines())


def test_names_of_others_are_no_formulas() -> None:
    kernel = convkit.Kernel([[1.0, -1.0]], name="$\\frac{$ & <k>")
    assert encoded(kernel_figure(kernel), ".png").startswith(b"\x89PNG")
    figure = convolution_figure(np.eye(4), [kernel], np.eye(4))
    assert encoded(figure, ".pdf").startswith(b"%PDF")
    assert "$\\frac{$ & <k>" in ET.fromstring(encoded(kernel_figure(kernel), ".svg")).itertext()  # noqa: S314


def test_convolution_shows_before_kernel_after(rng: np.random.Generator) -> None:
    before = rng.random((30, 900))
    kernel = convkit.Kernel.of("sobel")
    figure = convolution_figure(before, [kernel], convkit.convolve(before, kernel))
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles == ["before, 30x900, 3x3 averaged", "sobel", "after, 28x898, 3x3 averaged"]
    pictures = [axes.images[0] for axes in figure.axes if axes.images]
    assert pictures[0].get_cmap().name == "gray"
    assert pictures[2].get_cmap().name == "convkit"  # negative responses have their own colour
    low, high = pictures[2].get_clim()
    assert low == -high
    assert "negative it is blue" in texts(figure)
    assert "negative" not in texts(convolution_figure(before, [kernel], np.abs(before)))


@pytest.fixture(scope="module")
def grid() -> convkit.Comparison:
    return convkit.compare(
        convkit.Experiment(image="noise:size=24", kernel="sobel", steps=20),
        vary={"solver": ["exact", "gd"], "noise": [0.01, 0.1], "seed": [0, 1, 2]},
    )


def test_a_comparison_draws_the_root_mean_square_over_seeds_and_the_bound(grid: convkit.Comparison) -> None:
    axes = comparison_figure(grid).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("noise", "tap error (root mean square)")
    (exact, *_), (descent, *_) = axes.containers
    for line, solver in ((exact, "exact"), (descent, "gd")):
        for place, noise in enumerate((0.01, 0.1)):
            runs = [one for one in grid.runs if (one.settings["solver"], one.settings["noise"]) == (solver, noise)]
            assert len(runs) == 3
            squares = np.mean([np.square(one.kernel - one.true).mean() for one in runs])
            assert line.get_xdata()[place] == noise
            assert line.get_ydata()[place] == pytest.approx(np.sqrt(squares))
    bounds = [line for line in axes.lines if line.get_linestyle() == ":" and len(line.get_xdata())]
    variance = np.mean([np.square(one.standard_error).mean() for one in grid.runs[:3]])
    assert bounds[0].get_ydata()[0] == pytest.approx(np.sqrt(variance))
    assert "3 seeds" in caption(grid)
    assert "over 3 seeds" in texts(comparison_figure(grid, captioned=True)).replace("\n", " ")
    assert "Cramér-Rao" in caption(grid)


def test_without_noise_there_is_no_bound_and_without_truth_the_loss_is_drawn(rng: np.random.Generator) -> None:
    quiet = convkit.compare(convkit.Experiment(image="noise:size=20"), vary={"size": [(1, 2), (3, 3)]})
    assert not [line for line in comparison_figure(quiet).axes[0].lines if line.get_linestyle() == ":"]
    image = rng.random((20, 20))
    blind = convkit.compare(
        convkit.Experiment(image=image, target=convkit.convolve(image, "sobel"), size=3),
        vary={"solver": ["exact", "gd"]},
    )
    axes = comparison_figure(blind).axes[0]
    assert axes.get_ylabel() == "final loss"
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["exact", "gd"]


def test_what_is_drawn_along_must_be_varied(grid: convkit.Comparison) -> None:
    assert comparison_figure(grid, "solver").axes[0].get_xlabel() == "solver"
    with pytest.raises(convkit.ConvkitError, match="got size"):
        comparison_figure(grid, "size")
