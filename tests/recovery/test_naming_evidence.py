"""How far a named kernel lies from the taps, beside dense matrices and SciPy's distributions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from convkit.recovery.naming.cut import _is_noise, cut_to_seen
from convkit.recovery.naming.estimate import LIMIT, MOST_TAPS, Estimate
from convkit.recovery.naming.misfit import _errors_left, _fits_under, misfit
from convkit.recovery.naming.moments import origin
from convkit.recovery.naming.placing import place

SHAPE = (3, 4)
INSIDE = (slice(1, 3), slice(1, 4))


def covariance_of(size: int, rng: np.random.Generator) -> np.ndarray:
    half = rng.standard_normal((size, size))
    return half @ half.T / size + 0.1 * np.eye(size)


def singular(size: int, open_directions: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A covariance without anything in some directions, and the projection on these."""
    basis = np.linalg.qr(rng.standard_normal((size, size)))[0]
    left = basis[:, open_directions:]
    return left @ np.diag(rng.uniform(0.5, 2.0, size - open_directions)) @ left.T, np.eye(size) - left @ left.T


@pytest.mark.parametrize("open_directions", [0, 2])
def test_errors_are_those_of_the_covariance_the_floor_and_what_is_open(open_directions: int, rng) -> None:
    """What the data leave open is granted a hundred times the largest tap."""
    taps, floor = rng.standard_normal(SHAPE), 0.4
    covariance, unknown = singular(12, open_directions, rng)
    seen = Estimate(taps, (0, 0), covariance, floor, np.inf)
    whole = covariance + floor**2 * np.eye(12) + (100 * np.abs(taps).max()) ** 2 * unknown
    assert seen.judged == 12 - open_directions
    np.testing.assert_allclose(seen.errors.ravel() ** 2, np.diag(whole), rtol=1e-9)
    assert seen.typical_error == pytest.approx(np.sqrt(np.trace(whole) / 12), rel=1e-9)
    assert seen.sum_error == pytest.approx(np.sqrt(whole.sum()), rel=1e-9)


def test_the_misfit_is_a_generalised_chi_square(rng: np.random.Generator) -> None:
    taps, model, floor = rng.standard_normal(SHAPE), rng.standard_normal(SHAPE), 0.4
    covariance = covariance_of(12, rng)
    seen = Estimate(taps, (0, 0), covariance, floor, np.inf)
    inverse = np.linalg.inv(covariance + floor**2 * np.eye(12))
    r, m = (taps - model).ravel(), model.ravel()
    found = misfit(seen, model, 2)
    assert found.chi2 == pytest.approx(r @ inverse @ r, rel=1e-9)
    assert found.freedom == 10
    assert found.ratio == pytest.approx(found.chi2 / 10)
    gain, error = seen.gain(seen.whiten(model))
    assert gain == pytest.approx(m @ inverse @ taps.ravel() / (m @ inverse @ m), rel=1e-9)
    assert error == pytest.approx((m @ inverse @ m) ** -0.5, rel=1e-9)
    # The difference to the model times the fitted gain is ``(1 - m (mᵀC⁻¹m)⁻¹ mᵀC⁻¹)·k``: its covariance is this.
    left = np.diag(covariance + floor**2 * np.eye(12) - np.outer(m, m) / (m @ inverse @ m))
    np.testing.assert_allclose(_errors_left(seen, model, seen.whiten(model)).ravel() ** 2, left, rtol=1e-9)


def test_a_gain_that_takes_all_of_a_taps_error_leaves_a_tenth(rng: np.random.Generator) -> None:
    """One tap that the model explains alone differs by nothing; so that nothing is divided by, a tenth is kept."""
    model = np.zeros(SHAPE)
    model[1, 2] = 3.0
    seen = Estimate(rng.standard_normal(SHAPE), (0, 0), 4.0 * np.eye(12), 0.0, np.inf)
    left = _errors_left(seen, model, seen.whiten(model))
    expected = np.full(SHAPE, 2.0)
    expected[1, 2] = 0.2
    np.testing.assert_allclose(left, expected, rtol=1e-9)
    np.testing.assert_allclose(_errors_left(seen, 0 * model, seen.whiten(0 * model)), 2.0, rtol=1e-12)


@pytest.mark.parametrize("parameters", [1, 3])
@pytest.mark.parametrize("count", [12, 60, 400])
def test_a_model_fits_up_to_the_chance_of_four_deviations(count: int, parameters: int) -> None:
    """With equal differences everywhere only their sum of squares decides: SciPy's chi-square says where."""
    taps = np.ones((count // 4, 4))
    bound = stats.chi2.isf(stats.norm.sf(LIMIT), count - parameters)
    for factor, fits in ((0.97, True), (1.03, False)):
        error = np.sqrt(count / (factor * bound))  # Σ(1/error)² = factor·bound
        seen = Estimate(2.0 * taps, (0, 0), error**2 * np.eye(count), 0.0, np.inf)
        assert misfit(seen, taps, parameters).fits is fits


def test_few_samples_widen_the_limit() -> None:
    """The ratio follows an F distribution then: the bound of 4 deviations, by SciPy; Paulson's is good to 2 %."""
    taps, count, samples = np.ones((10, 4)), 40, 60
    bound = (count - 1) * stats.f.isf(stats.norm.sf(LIMIT), count - 1, samples)
    for factor, fits in ((0.96, True), (1.04, False)):
        seen = Estimate(2.0 * taps, (0, 0), count / (factor * bound) * np.eye(count), 0.0, samples)
        assert misfit(seen, taps, 1).fits is fits


@pytest.mark.parametrize("at", [(0, 0), (4, 4)])
def test_one_difference_alone_may_be_as_large_as_chance_makes_the_largest(at: tuple[int, int]) -> None:
    """``P(max|z| > t) ≤ 10⁻⁴`` over 81 taps is a z of 5.27 by the tail bound; the sum of squares allows 9.6 here."""
    model = np.zeros((9, 9))
    for z, fits in ((5.2, True), (5.4, False)):
        taps = model.copy()
        taps[at] = z
        assert misfit(Estimate(taps, (0, 0), np.eye(81), 0.0, np.inf), model, 1).fits is fits


def test_a_small_kernel_is_judged_where_it_lies(rng: np.random.Generator) -> None:
    """Five taps of 3.3 deviations are chance among 225, of which Σz² may be 316, and none among five."""
    model, taps = np.zeros((15, 15)), np.zeros((15, 15))
    model[7, 5:10] = 1.0
    taps[7, 5:10] = 1.0
    covariance = covariance_of(225, rng)
    part = np.ravel_multi_index((np.full(5, 7), np.arange(5, 10)), (15, 15))
    own = covariance[np.ix_(part, part)]
    bound = stats.chi2.isf(stats.norm.sf(LIMIT), 4)
    direction = np.linalg.eigh(own)[1][:, 0]
    step = direction / np.sqrt(direction @ np.linalg.solve(own, direction))
    for factor, fits in ((0.95, True), (1.05, False)):
        taps[7, 5:10] = 1.0 + np.sqrt(factor * bound) * step
        assert _fits_under(Estimate(taps, (0, 0), covariance, 0.0, np.inf), model, 1) is fits
    # As many unknowns as taps leave nothing to judge, and a kernel on more than half of the window is judged whole.
    assert _fits_under(Estimate(taps, (0, 0), covariance, 0.0, np.inf), model, 5)
    assert _fits_under(Estimate(taps, (0, 0), covariance, 0.0, np.inf), np.ones((15, 15)), 1)


def test_a_tap_beyond_the_window_hides_below_three_errors() -> None:
    seen = Estimate(np.ones(SHAPE), (0, 0), 0.01 * np.eye(12), 0.0, np.inf)
    assert seen.hides(0.29)
    assert not seen.hides(0.31)


def test_sums_of_neighbours_have_the_sums_covariance(rng: np.random.Generator) -> None:
    """A window of 27x30 is judged by sums of 2x2 taps, of which the last row and column hold fewer."""
    shape = (27, 30)
    taps = rng.standard_normal(shape)
    half = rng.standard_normal((810, 40))
    covariance, floor = half @ half.T + 0.5 * np.eye(810), 0.2
    seen = Estimate(taps, (0, 0), covariance, floor, np.inf)
    assert seen.pool == 2
    assert seen.judged == 14 * 15 <= MOST_TAPS
    down, across = (np.kron(np.eye(15), [[1.0, 1.0]])[: -(-n // 2), :n] for n in shape)
    sums = np.kron(down, across)
    pooled = sums @ covariance @ sums.T + (2 * floor) ** 2 * np.eye(210)
    expected = (sums @ taps.ravel()) @ np.linalg.solve(pooled, sums @ taps.ravel())
    assert seen.whitened @ seen.whitened == pytest.approx(expected, rel=1e-8)
    assert seen.open_directions.shape == (810, 0)


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e3])
def test_what_lies_outside_is_noise_up_to_its_chance(unit: float) -> None:
    """Six equal taps outside of a box: their squares over the variance are a chi-square of six, whatever the unit."""
    outside = np.ones(SHAPE, dtype=bool)
    outside[INSIDE] = False
    bound = stats.chi2.isf(stats.norm.sf(LIMIT), 6)
    covariance = np.diag(np.where(outside.ravel(), 1.0, 1e-9))
    for factor, noise in ((0.97, True), (1.03, False)):
        taps = np.where(outside, np.sqrt(factor * bound / 6), 7.0)
        assert _is_noise(unit * taps, unit**2 * covariance, INSIDE) is noise


def test_noise_of_one_direction_has_one_degree_of_freedom() -> None:
    """All taps are one deviate, whose chance of 4 deviations ends at 4.16; Wilson and Hilferty's at 4.35."""
    for z, noise in ((4.1, True), (4.4, False)):
        assert _is_noise(z * np.ones(SHAPE), np.ones((12, 12)), INSIDE) is noise


def test_taps_known_exactly_must_be_zero_outside() -> None:
    taps = np.zeros(SHAPE)
    taps[INSIDE] = 1.0
    assert _is_noise(taps, np.zeros((12, 12)), INSIDE)
    taps[0, 0] = 1e-9
    assert not _is_noise(taps, np.zeros((12, 12)), INSIDE)


@pytest.mark.parametrize("known", [True, False])
def test_a_large_window_is_cut_to_three_rings_around_what_is_seen(known: bool) -> None:
    taps = np.zeros((30, 32))
    taps[4:7, 20:31] = 1.0
    covariance = np.diag(np.arange(1.0, 961.0)) * (0.0 if known else 1e-8)
    found = cut_to_seen(taps, covariance, (-15, -16), 1e-6)
    np.testing.assert_array_equal(found.taps, taps[1:10, 17:32])
    assert found.offset == (-14, 1)
    assert (found.covariance is None) is known
    if found.covariance is not None:
        part = np.arange(960).reshape(30, 32)[1:10, 17:32].ravel()
        np.testing.assert_array_equal(found.covariance, covariance[np.ix_(part, part)])


def test_a_small_window_is_cut_where_its_taps_are_known_and_no_other_is() -> None:
    taps = np.zeros((15, 15))
    taps[7, 7] = 1.0
    assert cut_to_seen(taps, np.zeros((225, 225)), (0, 0), 1e-6).shape == (7, 7)
    assert cut_to_seen(taps, 1e-8 * np.eye(225), (0, 0), 1e-6).shape == (15, 15)
    assert cut_to_seen(np.zeros((30, 30)), 1e-8 * np.eye(900), (0, 0), 1e-6).shape == (30, 30)  # nothing is seen


@given(st.tuples(st.integers(1, 4), st.integers(1, 5)), st.tuples(st.integers(-7, 9), st.integers(-7, 9)))
def test_a_kernel_laid_on_a_block_is_cut_at_its_edges(size: tuple[int, int], corner: tuple[int, int]) -> None:
    """Beside a board wide enough for all of it."""
    kernel = 1.0 + np.arange(float(np.prod(size))).reshape(size)
    board = np.zeros((30, 30))
    board[10 + corner[0] : 10 + corner[0] + size[0], 10 + corner[1] : 10 + corner[1] + size[1]] = kernel
    placed = place(kernel, SHAPE, corner)
    np.testing.assert_array_equal(placed.block, board[10:13, 10:14])
    board[10:13, 10:14] = 0.0
    assert placed.outside == board.max()


@given(st.integers(-9, 9), st.integers(-9, 9))
def test_the_origin_is_the_tap_on_the_output_pixel_or_the_nearest_to_it(down: int, right: int) -> None:
    places = np.stack(np.indices(SHAPE), axis=-1) + np.array([down, right])
    nearest = np.unravel_index(np.abs(places).sum(axis=-1).argmin(), SHAPE)
    assert origin(Estimate(np.ones(SHAPE), (down, right), None, 1e-6, np.inf)) == nearest
