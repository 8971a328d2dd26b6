"""What a judgement says, and the parts it is made of, beside SciPy and closed forms."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from convkit.recovery import Problem, find_optimum
from convkit.recovery.parameters import Parameters
from convkit.recovery.problem import Pair
from convkit.recovery.recording import Recording
from convkit.recovery.verdict import Judgement, Verdict, judge
from convkit.recovery.verdict.blocks import MOST_OUTPUTS, Block, blocks
from convkit.recovery.verdict.features import CORE, NAMES, PLACE, Filter
from convkit.recovery.verdict.regression import Explained, explained, rare_chi_square, regression
from convkit.recovery.verdict.sample import Sample
from convkit.recovery.verdict.structure import _between_bins, _percent, phases, tiles
from convkit.recovery.verdict.tally import Tally
from convkit.recovery.verdict.truncated_noise import TruncatedNoise, margin

EIGHT_BITS = Recording(1 / 255, 0.0, 1.0)


def judged(image: np.ndarray, target: np.ndarray, size: tuple[int, int], **options: object) -> Judgement:
    problem = Problem.of(image, target, size)
    optimum = find_optimum(problem, problem.condensed())
    judgement = judge(problem, optimum, EIGHT_BITS, **{"reproduced": False, **options})
    for test in judgement.evidence:  # what fails is beyond chance, and as large as it must be to count
        assert test.passed or (test.statistic > test.threshold and abs(test.effect) >= test.least_effect), test
    return judgement


def valid(image: np.ndarray, taps: np.ndarray) -> np.ndarray:
    return np.einsum("ijuv,uv->ij", np.lib.stride_tricks.sliding_window_view(image, taps.shape), taps)


def rounded(values: np.ndarray) -> np.ndarray:
    return np.rint(255 * values) / 255


def test_not_identifiable_comes_first_even_when_every_pixel_is_reproduced() -> None:
    image = np.tile(np.arange(12.0), (9, 1))
    judgement = judged(image, image[:-1, :-1], (2, 2), reproduced=True)
    assert judgement.verdict is Verdict.NOT_IDENTIFIABLE
    assert "determined" in judgement.reason


def test_a_replay_of_every_pixel_is_exact_without_further_tests(rng: np.random.Generator) -> None:
    image = rng.random((20, 20))
    judgement = judged(image, np.square(image), (1, 1), reproduced=True)
    assert judgement.verdict is Verdict.EXACT
    assert [test.name for test in judgement.evidence] == ["replay"]


def test_a_vignette_is_told_as_a_difference_between_tiles(rng: np.random.Generator) -> None:
    image = rng.random((200, 210))
    fall = np.linspace(1, 0.7, 210)
    judgement = judged(image, rounded(image * fall), (1, 1))
    assert judgement.verdict is Verdict.NOT_LINEAR
    assert "differs between tiles" in judgement.reason


def test_interior_clipping_is_told_with_the_value(rng: np.random.Generator) -> None:
    image = rng.normal(0.5, 0.15, (200, 210)).clip(0, 1)
    judgement = judged(image, rounded(image).clip(0, 215 / 255), (1, 1))
    assert judgement.verdict is Verdict.NOT_LINEAR
    assert "predicted above 215" in judgement.reason


def test_dither_is_told_as_a_grid(rng: np.random.Generator) -> None:
    image = rng.random((200, 210))
    pattern = np.kron(np.ones((100, 105)), np.array([[0.0, 4.0], [6.0, 2.0]])) / 255
    judgement = judged(image, rounded(0.5 * image + 0.2 + pattern), (1, 1))
    assert judgement.verdict is Verdict.NOT_LINEAR
    assert "2x2 grid" in judgement.reason or "8x8 grid" in judgement.reason


def test_a_window_too_small_is_told_and_is_not_called_non_linear(rng: np.random.Generator) -> None:
    image = rng.random((200, 210))
    taps = np.outer([1, 2, 3, 2, 1], [1, 2, 3, 2, 1]) / 81
    judgement = judged(image[1:-1, 1:-1], rounded(valid(image, taps)), (3, 3))
    assert judgement.verdict is Verdict.NOISY
    assert "just outside the window" in judgement.reason


def test_a_few_outliers_are_told(rng: np.random.Generator) -> None:
    image = rng.random((200, 210))
    target = rounded(0.7 * image + 0.1)
    target[::50, ::50] += 4 / 255
    judgement = judged(image, target, (1, 1))
    assert judgement.verdict is Verdict.NOISY
    assert "a few outliers" in judgement.reason


def test_few_outputs_are_not_tested_for_structure(rng: np.random.Generator) -> None:
    image = rng.random((20, 21))
    judgement = judged(image, np.square(image), (1, 1))
    assert judgement.verdict is Verdict.NOISY
    assert "too few" in judgement.reason


@pytest.mark.parametrize("stride", [2, 3])
def test_strides_and_several_pairs(stride: int, rng: np.random.Generator) -> None:
    taps = rng.standard_normal((4, 5))
    pairs = []
    for shape in ((150, 160), (170, 120)):
        image = rng.random(shape)
        answer = valid(image, taps)[::stride, ::stride]
        pairs.append((image, answer + 0.02 * rng.standard_normal(answer.shape)))
    for curve, expected in ((0.0, Verdict.NOISY), (0.05, Verdict.NOT_LINEAR)):
        problem = Problem(tuple(Pair(x, y + curve * y**2) for x, y in pairs), (4, 5), stride)
        optimum = find_optimum(problem, problem.condensed())
        assert judge(problem, optimum, Recording(), reproduced=False).verdict is expected


def test_noise_cut_at_the_rail_is_no_curve(rng: np.random.Generator) -> None:
    """Outputs selected by value, all within σ of the rail: their noise has a mean of 0.3 to 0.8 σ."""
    image, sigma = rng.random((160, 160)), 0.1
    target = rounded((sigma * image + sigma * rng.standard_normal(image.shape)).clip(0, 1))
    problem = Problem.of(image, target, (1, 1), mask=target > 0)
    optimum = find_optimum(problem, problem.condensed())
    left = (target - sigma * image)[target > 0]
    censored = replace(optimum, point=Parameters(np.array([[sigma]])), residual_squares=float(left @ left))
    assert judge(problem, censored, EIGHT_BITS, reproduced=False).verdict is Verdict.NOISY


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-np.inf, 1.0), (0.0, np.inf), (0.0, 0.05)])
def test_cut_noise_is_scipys_truncated_normal(low: float, high: float) -> None:
    sigma, fitted = 0.1, np.linspace(max(low, -1.0), min(high, 2.0), 31)
    expected = stats.truncnorm.mean((low - fitted) / sigma, (high - fitted) / sigma, scale=sigma)
    # A table of steps of σ/16, read linearly: its curvature is below 1/σ, so (σ/16)²/8/σ.
    np.testing.assert_allclose(
        TruncatedNoise.of(sigma, Recording(None, low, high))(fitted), expected, atol=sigma / 2000
    )


@given(st.integers(10, 300))
def test_rare_chi_square_is_scipys(freedom: int) -> None:
    tail = stats.chi2.sf(rare_chi_square(freedom), freedom)
    assert 5e-7 < tail < 1.1e-6  # Wilson and Hilferty err on the careful side


def test_regressions_from_moments_are_least_squares(rng: np.random.Generator) -> None:
    z = rng.standard_normal((6, 400))
    z[4], z[5] = z[1] + z[2], z[5] + 2 * z[3]  # collinear; explained
    first, second = np.array([0, 1, 2]), np.array([3, 4])
    before, after = (np.linalg.lstsq(z[rows].T, z[5])[0] for rows in ([0, 1, 2], [0, 1, 2, 3]))
    left = [np.square(z[5] - z[rows].T @ w).sum() for rows, w in (([0, 1, 2], before), ([0, 1, 2, 3], after))]
    found = explained(z @ z.T, first, second, 5, 400)
    assert found.statistic == pytest.approx((left[0] - left[1]) / (left[1] / 396), rel=1e-9)
    assert found.share == pytest.approx(1 - (left[1] / 396) / (left[0] / 397), rel=1e-9)
    values, errors = regression(z @ z.T, first, 5, 400)
    np.testing.assert_allclose(values, before, atol=1e-12)
    covariance = left[0] / 397 * np.linalg.inv(z[:3] @ z[:3].T)
    np.testing.assert_allclose(errors, np.sqrt(np.diag(covariance)), rtol=1e-9)


@pytest.mark.parametrize("shape", [(3, 3), (5, 70), (200, 130), (40, 9000), (1500, 1400)])
def test_blocks_lie_inside_apart_and_within_the_budget(shape: tuple[int, int]) -> None:
    problem = Problem.of(
        np.arange(np.prod(shape), dtype=float).reshape(shape), np.zeros((shape[0] - 1, shape[1] - 2)), (2, 3)
    )
    seen = np.zeros((shape[0] - 1, shape[1] - 2), int)
    for block in blocks(problem):
        h, w = block.target.shape
        assert block.pixels.shape == (h + 3, w + 4)
        assert block.pixels[1, 1] == problem.pairs[0].image[block.top, block.left]
        seen[block.top : block.top + h, block.left : block.left + w] += 1
    assert seen.max() <= 1
    assert seen.sum() <= MOST_OUTPUTS
    if seen.size <= MOST_OUTPUTS:
        assert seen.sum() == max(seen.shape[0] - 2, 0) * max(seen.shape[1] - 2, 0)


def measures_by_hand(x: np.ndarray, taps: np.ndarray) -> dict[str, float]:
    """Every measure of one window, given with a pixel more all around it."""
    (kh, kw), size = taps.shape, np.abs(taps).sum()
    window, (row, column) = x[1:-1, 1:-1], ((kh - 1) // 2, (kw - 1) // 2)
    near = x[row : row + 3, column : column + 3]
    f = (window * taps).sum() / size
    c = window[np.unravel_index(np.abs(taps).argmax(), taps.shape)]
    around, v, down, across = near.mean(), near.var(), near[2, 1] - near[0, 1], near[1, 2] - near[1, 0]
    m, d, e, s = window.mean(), c - near.mean(), f - taps.sum() / size * c, near.std()
    square = (window**2 * taps).sum() / size
    sides = {}
    for where, part in (("inside", window), ("outside", x)):
        rows, columns = (part, part) if where == "inside" else (part[:, 1:-1], part[1:-1])
        at = (row, column) if where == "inside" else (row + 1, column + 1)
        sides |= {
            f"top row, {where}": rows[0].mean(),
            f"bottom row, {where}": rows[-1].mean(),
            f"left column, {where}": columns[:, 0].mean(),
            f"right column, {where}": columns[:, -1].mean(),
            f"top, {where}": part[0, at[1]],
            f"bottom, {where}": part[-1, at[1]],
            f"left, {where}": part[at[0], 0],
            f"right, {where}": part[at[0], -1],
        }
    return sides | {
        "one": 1.0, "fitted value": f, "pixel": c, "mean of the window": m, "mean around": around,
        "slope down": down, "slope across": across, "f²": f**2, "f³": f**3, "c²": c**2, "c³": c**3, "m²": m**2,
        "m³": m**3, "d²": d**2, "d³": d**3, "|d|": abs(d), "d|d|": d * abs(d), "e²": e**2, "e³": e**3, "|e|": abs(e),
        "e|e|": e * abs(e), "v": v, "s": s, "vm": v * m, "sm": s * m, "ds": d * s, "dm": d * m, "es": e * s,
        "third moment": ((near - around) ** 3).mean(), "third moment about the pixel": ((near - c) ** 3).mean(),
        "g²": down**2 + across**2, "g": np.hypot(down, across), "highest": near.max(), "lowest": near.min(),
        "k∗x²": square, "k∗x² - f²": square - f**2,
    }  # fmt: skip


@pytest.mark.parametrize(("size", "stride"), [((3, 3), 1), ((2, 5), 2), ((6, 1), 3), ((1, 1), 1)])
def test_measures_are_what_they_are_called(size: tuple[int, int], stride: int, rng: np.random.Generator) -> None:
    image, taps = rng.random((31, 33)), rng.standard_normal(size)
    shape = ((31 - size[0]) // stride + 1, (33 - size[1]) // stride + 1)
    for block in blocks(Problem.of(image, np.zeros(shape), size, stride=stride)):
        out = np.empty((len(NAMES), *block.target.shape))
        filtered = Filter(Parameters(taps, 0.3), stride, 0.4, 0.25)
        fitted = filtered.fitted(block)
        filtered.measure(block, fitted, out)
        for i, j in np.ndindex(*block.target.shape):
            top, left = (block.top + i) * stride, (block.left + j) * stride
            window = image[top : top + size[0], left : left + size[1]]
            assert fitted[i, j] == pytest.approx((window * taps).sum() + 0.3, abs=1e-12)
            seen = (image[top - 1 : top + size[0] + 1, left - 1 : left + size[1] + 1] - 0.4) / 0.25
            for name, value in measures_by_hand(seen, taps).items():
                assert out[PLACE[name], i, j] == pytest.approx(value, abs=1e-9), name


@pytest.mark.parametrize("step", [4.0, 3.0, 2.0, 1.0, 0.0])
def test_outputs_keep_the_widest_margin_that_leaves_enough(step: float) -> None:
    """Half of 8400 outputs lie well inside, enough of the others as near to a rail as the margin says."""
    near = np.full(4200, (step + 0.5) * 0.01)
    fitted = np.concatenate([near, np.full(4000, 0.5), np.full(200, 0.005)])
    assert margin(fitted, 0.01, EIGHT_BITS) == pytest.approx(0.01 * step)
    assert margin(1 - fitted, 0.01, EIGHT_BITS) == pytest.approx(0.01 * step)


@pytest.mark.parametrize(("top", "left"), [(0, 0), (3, 13)])
def test_neighbours_and_places_are_counted_pair_by_pair(top: int, left: int, rng: np.random.Generator) -> None:
    """Beside loops over all outputs that are used: the sums of neighbours' products, of their signs, and of places."""
    residual, mask = rng.standard_normal((19, 23)), rng.random((19, 23)) < 0.7
    residual[~mask] = 0.0
    nothing = np.zeros((0, 0))
    tally = Tally.empty()
    for _ in range(2):  # they add up
        tally._add_places(Block(nothing, nothing, mask, top, left, 0), residual, mask)
    neighbours, agreements, phases = np.zeros((2, 4)), np.zeros((2, 2, 8)), np.zeros((2, 8, 8))
    for row, column in np.argwhere(mask):
        here = residual[row, column]
        phases[:, (top + row) % 8, (left + column) % 8] += here, 1
        for k, (down, right) in enumerate([(0, 1), (1, 0), (1, 1), (1, -1)]):
            other = row + down, column + right
            if not (other[0] < 19 and 0 <= other[1] < 23 and mask[other]):
                continue
            neighbours[:, k] += here * residual[other], 1
            if k < 2:  # by the column of the right one of the two, or by the row of the lower one
                place = (left + other[1]) % 8 if k == 0 else (top + other[0]) % 8
                agreements[:, k, place] += np.sign(here * residual[other]), 1
    np.testing.assert_allclose(tally.neighbours, 2 * neighbours, rtol=1e-12)
    np.testing.assert_allclose(tally.agreements, 2 * agreements, rtol=1e-12)
    np.testing.assert_allclose(tally.phases, 2 * phases, rtol=1e-12)


def test_moments_are_those_of_the_outputs_that_are_used(rng: np.random.Generator) -> None:
    """However many they are: products go in stretches of 64, and a rest."""
    image = rng.random((24, 33))
    for block in blocks(Problem.of(image, rng.random((22, 31)), (3, 3))):
        filtered = Filter(Parameters(rng.random((3, 3)), 0.1), 1, 0.4, 0.3)
        fitted, mask = filtered.fitted(block), rng.random(block.target.shape) < 0.6
        residual = rng.standard_normal(mask.shape)
        tally = Tally.empty()
        tally.add(block, fitted, residual, mask, filtered)
        planes = np.empty((len(NAMES) + 2, *mask.shape))
        filtered.measure(block, fitted, planes[:-2])
        planes[-2], planes[-1] = residual, residual**2
        columns = planes[:, mask]
        np.testing.assert_allclose(tally.moments[block.tile], columns @ columns.T, rtol=1e-10, atol=1e-10)
        np.testing.assert_allclose(tally.total, columns @ columns.T, rtol=1e-10, atol=1e-10)
        assert tally.count == np.count_nonzero(mask)


def test_extremes_are_those_of_the_outputs(rng: np.random.Generator) -> None:
    """Of all of the target its range, of the outputs that are used the rest; counted beyond the slack."""
    image = rng.random((40, 41))
    target = (image + 0.05 * rng.standard_normal(image.shape)).clip(0.3, 0.6)
    mask = rng.random(image.shape) < 0.8
    target[20, 20], mask[20, 20] = 0.1, False
    problem = Problem.of(image, target, (1, 1), mask=mask)
    optimum = replace(find_optimum(problem, problem.condensed()), point=Parameters(np.array([[1.0]]), 0.02))
    inside = slice(1, -1), slice(1, -1)  # the outermost outputs have no pixels around their windows
    fitted, used = image[inside] + 0.02, mask[inside]
    found = Sample.of(problem, optimum).extremes(0.07)
    assert (found.lowest, found.highest) == (0.1, 0.6)
    assert found.count == np.count_nonzero(used)
    assert found.below == np.count_nonzero(used & (fitted < 0.1 - 0.07))
    assert found.above == np.count_nonzero(used & (fitted > 0.6 + 0.07))
    assert found.reach == pytest.approx(np.abs(target[inside] - fitted)[used].max())


def one_way(found: Explained, groups: list[np.ndarray]) -> None:
    every = np.concatenate(groups)
    assert found.statistic == pytest.approx(stats.f_oneway(*groups).statistic, rel=1e-9)
    within = sum(np.square(group - group.mean()).sum() for group in groups) / (len(every) - len(groups))
    assert found.share == pytest.approx(1 - within / every.var(ddof=1), rel=1e-9)


def test_means_of_bins_are_compared_as_scipy_does(rng: np.random.Generator) -> None:
    for count, bins in ((1000, 5), (12_800, 64), (30_000, 64)):
        measure, residual = rng.random(count), rng.standard_normal(count)
        residual += measure**2
        in_order = np.argsort(measure)
        starts = np.arange(1, bins) * count // bins + 1  # a bin ends with its edge
        one_way(_between_bins(measure, residual), np.split(residual[in_order], starts))
    measure = rng.choice([0.1, 0.5, 2.0], 3000)  # each value has a bin
    residual = rng.standard_normal(3000) + measure
    one_way(_between_bins(measure, residual), [residual[measure == value] for value in (0.1, 0.5, 2.0)])


def test_places_in_a_grid_are_compared_as_scipy_does(rng: np.random.Generator) -> None:
    rows, columns = np.indices((30, 37))
    residual = rng.standard_normal((30, 37)) + 0.3 * (rows % 2) - 0.2 * (columns % 8 == 3)
    tally = Tally.empty()
    nothing = np.zeros((0, 0))
    tally._add_places(Block(nothing, nothing, nothing, 0, 0, 0), residual, np.ones(residual.shape, bool))
    tally.moments[3, -2, -2] = np.square(residual).sum()
    for test, period in zip(phases(tally, 0.05), (2, 8), strict=True):
        place = period * (rows % period) + columns % period
        groups = [residual[place == number] for number in range(period**2)]
        assert test.statistic == pytest.approx(stats.f_oneway(*groups).statistic, rel=1e-9)


def test_tiles_are_fitted_apart_as_by_least_squares(rng: np.random.Generator) -> None:
    """Chow's test by dense regressions; a tile of fewer than fifty outputs is not fitted."""
    counts, q = (400, 300, 30), len(NAMES) + 2
    core = [PLACE[name] for name in CORE]
    tally, whole, after, rank = Tally.empty(), [], 0.0, 0
    for tile, count in enumerate(counts):
        z = np.zeros((q, count))
        z[core] = rng.standard_normal((len(core), count))
        z[PLACE["one"]] = 1.0
        z[-2] = rng.standard_normal(count) + 0.1 * tile * z[core[1]]
        tally.moments[tile] = z @ z.T
        tally.residual.append(z[-2])
        whole.append(z)
        if count >= 50:
            after, rank = after + np.linalg.lstsq(z[core].T, z[-2])[1][0], rank + len(core)
        else:
            after += np.square(z[-2]).sum()
    every = np.hstack(whole)
    before = np.linalg.lstsq(every[core].T, every[-2])[1][0]
    expected = ((before - after) / (rank - len(core))) / (after / (sum(counts) - rank))
    assert tiles(tally, 0.05).statistic == pytest.approx(expected, rel=1e-9)


def test_within_the_floor_of_many_roundings_most_must_be_explained(rng: np.random.Generator) -> None:
    """A pattern of ±0.7 levels is 5.9 roundings, and explains 85 % of 6.9; so do not what roundings leave."""
    image = rng.random((200, 210))
    pattern = 0.7 * (-1.0) ** np.add(*np.indices(image.shape)) / 255
    assert judged(image, rounded(0.5 * image + 0.2 + pattern), (1, 1)).verdict is Verdict.NOT_LINEAR
    # Half a level beside noise of up to 0.9 explains 41 % of 7.2 roundings.
    noise = rng.uniform(-0.9, 0.9, image.shape) / 255
    judgement = judged(image, rounded(0.5 * image + 0.2 + 0.5 / 0.7 * pattern + noise), (1, 1))
    assert judgement.verdict is not Verdict.NOT_LINEAR


@pytest.mark.parametrize(("share", "text"), [(-0.1, "0 %"), (0.0123, "1.2 %"), (0.0999, "10 %"), (0.456, "46 %")])
def test_shares_in_words(share: float, text: str) -> None:
    assert _percent(share) == text


def test_a_picture_has_sixteen_tiles_and_each_block_lies_in_the_one_where_it_begins() -> None:
    problem = Problem.of(np.zeros((600, 900)), np.zeros((600, 900)), (1, 1))
    found = [(block.tile, (block.top - 1) / 598, (block.left - 1) / 898) for block in blocks(problem)]
    assert {tile for tile, _, _ in found} == set(range(16))
    for tile, down, across in found:
        assert (tile // 4, tile % 4) == (int(4 * down), int(4 * across))


def test_measures_are_in_deviations_of_the_image_from_its_mean(rng: np.random.Generator) -> None:
    image = 3.0 + 0.2 * rng.random((50, 60))
    problem = Problem.of(image, image, (1, 1))
    filtered = Sample.of(problem, find_optimum(problem, problem.condensed())).filtered
    assert filtered.origin == pytest.approx(image.mean(), rel=1e-3)
    assert filtered.unit == pytest.approx(image.std(), rel=1e-2)
