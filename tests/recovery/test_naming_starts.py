"""Where fits begin: near the parameters that made a kernel, whatever its gain and wherever it lies."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.optimize import least_squares

from convkit.kernel import families, named_kernel
from convkit.recovery.naming import shapes, starts
from convkit.recovery.naming.estimate import Estimate
from convkit.recovery.naming.levenberg import at_point, fit, standard_errors
from convkit.recovery.naming.lines import half_gaussian, segment

SIDE = (41, 43)


def seen(taps: np.ndarray, down: int = 0, right: int = 0, gain: float = 1.0) -> Estimate:
    """Taps known to a hundred millionth, in a wide window of zeros, its output pixel in their middle."""
    rows, columns = taps.shape
    top, left = (SIDE[0] - rows) // 2 + down, (SIDE[1] - columns) // 2 + right
    window = np.zeros(SIDE)
    window[top : top + rows, left : left + columns] = gain * taps
    middle = -(top + rows // 2), -(left + columns // 2)
    return Estimate(window, middle, None, 1e-8 * abs(gain) * float(np.abs(taps).max()), np.inf)


def angle_between(one: float, other: float, turn: float) -> float:
    return abs((one - other + turn / 2) % turn - turn / 2)


@pytest.mark.parametrize("sigma", [0.8, 2.0, 3.1])
def test_spreads_are_those_of_a_gaussian(sigma: float) -> None:
    size = (2 * math.ceil(6 * sigma) + 1,) * 2
    round_ = seen(shapes.separable(families.bell)(sigma, size))
    assert starts.spread(round_)[0] == pytest.approx((sigma,), rel=1e-4)
    assert starts.one_spread(round_)[0] == pytest.approx((sigma,), rel=1e-4)
    row = seen(families.bell(size[1], sigma)[None])
    assert starts.one_spread(row)[0] == pytest.approx((sigma,), rel=1e-4)
    assert starts.one_spread(seen(families.bell(size[1], sigma)[:, None]))[0] == pytest.approx((sigma,), rel=1e-4)
    assert starts.two_spreads(seen(shapes.two_bells(sigma, 1.3, size)))[0] == pytest.approx((sigma, 1.3), rel=1e-3)
    # A single tap has none, and what has no slope to follow is not where a fit begins.
    assert starts.spread(seen(np.ones((1, 1))))[0] == (0.3,)
    assert starts.two_spreads(row)[0] == pytest.approx((0.3, sigma), rel=1e-4)


@pytest.mark.parametrize("angle", [0.0, 20.0, 90.0, 135.0, 171.0])
def test_an_ellipse_is_that_of_a_tilted_gaussian(angle: float) -> None:
    long, short, tilt = starts.ellipse(seen(shapes.tilted_gaussian(3.0, 1.5, angle, (37, 37))))[0]
    assert (long, short) == pytest.approx((3.0, 1.5), rel=1e-3)
    assert angle_between(tilt, angle, 180) < 0.01


@pytest.mark.parametrize(("height", "width"), [(4.0, 7.0), (1.0, 9.0), (5.0, 1.0)])
def test_widths_are_those_of_a_box(height: float, width: float) -> None:
    box = seen(np.ones((int(height), int(width))))
    # Pixels that are points have the variance (n² - 1)/12, and a box that is an area has w²/12.
    assert starts.widths(box)[0] == pytest.approx([max(math.sqrt(n * n - 1), 1.0) for n in (height, width)])
    moved = starts.moved_widths(seen(shapes.box_between(4.0, 7.0, 0.25, -0.3)))[0]
    assert moved[:2] == pytest.approx((4, 7), rel=0.05)
    assert moved[2:] == pytest.approx((0.25, -0.3), abs=1e-9)


@pytest.mark.parametrize(("down", "right"), [(0.25, -0.4), (-0.3, 0.0)])
def test_parts_of_a_pixel(down: float, right: float) -> None:
    """Rows count downwards; a shift moves the picture, and so the taps against it."""
    assert starts.part_of_a_pixel(seen(shapes.bilinear_shift(down, right)))[0] == pytest.approx((down, right))
    *_, row, column = starts.moved_spread(seen(shapes.moved_gaussian(1.5, down, right, (21, 21))))[0]
    assert (row, column) == pytest.approx((down, right), abs=1e-6)


@pytest.mark.parametrize("radius", [1.2, 3.0, 5.3])
def test_the_radius_of_a_disk(radius: float) -> None:
    assert starts.radius(seen(families.disk(radius)))[0] == pytest.approx((radius,), rel=0.06)


@pytest.mark.parametrize("angle", [0, 30, 45, 100, 150])
@pytest.mark.parametrize("draw", [families.motion, segment])
def test_length_and_angle_of_a_streak(draw: Callable[..., np.ndarray], angle: int) -> None:
    """The second start is on the nearest multiple of 45 degrees, where many streaks are."""
    (length, tilt), (again, straight) = starts.streak(seen(draw(13.0, angle)))
    assert length == again == pytest.approx(13, rel=0.1)
    assert angle_between(tilt, angle, 180) < 3
    assert straight == round(angle / 45) * 45 % 180


@pytest.mark.parametrize(("angle", "sigma", "count"), [(0, 2.0, 7), (45, 2.0, 9), (200, 3.0, 10), (330, 1.5, 6)])
def test_half_a_streak_starts_from_the_output_pixel(angle: int, sigma: float, count: int) -> None:
    found = starts.half_streak(seen(half_gaussian(sigma, angle, count)))
    assert any(start[1:] == (angle, count) for start in found)
    assert found[0][0] == pytest.approx(sigma, rel=0.3)
    assert all(angle_between(start[1], angle, 360) < 20 for start in found)
    assert len(set(found)) == len(found)
    assert [start[1] % 5 > 0 for start in found] == sorted(start[1] % 5 > 0 for start in found)  # the roundest first
    straight = starts.straight_half_streak(seen(half_gaussian(sigma, angle, count)))
    assert {start[1] for start in straight} <= {0.0, 90.0, 180.0, 270.0}
    assert (len(straight) > 0) == any(abs(angle_between(angle, quarter, 360)) <= 13 for quarter in (0, 90, 180, 270))


@pytest.mark.parametrize(("amount", "sigma"), [(0.5, 1.0), (1.5, 2.0), (3.0, 0.8)])
def test_one_start_is_near_an_unsharp_mask(amount: float, sigma: float) -> None:
    found = starts.sharpened(seen(families.unsharp(sigma, amount, (13, 13))))
    assert all(0.5 < first / amount < 2 for first, _ in found)
    assert min(abs(math.log(second / sigma)) for _, second in found) < math.log(2.0)
    assert max(second for _, second in found) <= 13


@pytest.mark.parametrize("sigma", [1.2, 2.5])
def test_sigmas_of_rings(sigma: float) -> None:
    laplacian = seen(families.log(sigma, (31, 31)))
    assert min(abs(math.log(one / sigma)) for (one,) in starts.rings(laplacian)) < math.log(1.25)
    assert max(abs(math.log(one / sigma)) for (one,) in starts.rings(laplacian)) < math.log(2.1)
    for pair in ((sigma, 1.6 * sigma), (1.6 * sigma, sigma)):
        near = [
            max(abs(math.log(one / other)) for one, other in zip(start, pair, strict=True))
            for start in starts.two_rings(seen(families.dog(*pair, (31, 31))))
        ]
        assert min(near) < math.log(1.6)


@pytest.mark.parametrize("angle", [0.0, 33.0, 90.0, 250.0])
def test_a_slope_points_where_the_taps_grow(angle: float) -> None:
    sigma, found = starts.slope(seen(shapes.gaussian_slope(2.0, angle, (21, 21))))[0]
    assert angle_between(found, angle, 360) < 0.1
    assert sigma == pytest.approx(2.0, rel=0.25)


@pytest.mark.parametrize(
    ("wavelength", "angle", "sigma", "aspect", "phase"),
    [
        (6.0, 0.0, 3.0, 1.0, 0.0),
        (5.0, 40.0, 3.0, 0.6, 30.0),
        (8.0, 110.0, 4.0, 0.8, 90.0),
        (7.0, 200.0, 3.0, 1.5, 250.0),
    ],
)
def test_a_wave_drawn_from_its_start_is_like_it(wavelength, angle, sigma, aspect, phase) -> None:
    taps = families.gabor(wavelength, angle, sigma, aspect, phase, (29, 29))
    start = starts.wave(seen(taps))[0]
    assert start[0] == pytest.approx(wavelength, rel=0.1)
    assert start[2] == pytest.approx(sigma, rel=0.15)
    assert start[3] == pytest.approx(aspect, rel=0.25)
    drawn = families.gabor(*start, (29, 29))
    likeness = np.vdot(drawn, taps) / np.linalg.norm(drawn) / np.linalg.norm(taps)
    assert likeness > 0.97


@pytest.mark.parametrize(
    ("start", "taps"),
    [
        (starts.ellipse, shapes.tilted_gaussian(3.0, 1.5, 20.0, (23, 23))),
        (starts.moved_widths, shapes.box_between(4.0, 7.0, 0.25, -0.3)),
        (starts.radius, families.disk(3.3)),
        (starts.streak, families.motion(9.0, 20.0)),
        (starts.half_streak, half_gaussian(2.0, 70, 8)),
        (starts.sharpened, families.unsharp(1.0, 0.7, (9, 9))),
        (starts.rings, families.log(1.4, (15, 15))),
        (starts.two_rings, families.dog(1.4, 2.0, (15, 15))),
        (starts.slope, shapes.gaussian_slope(2.0, 33.0, (15, 15))),
        (starts.wave, families.gabor(6.0, 40.0, 3.0, 0.8, 30.0, (15, 15))),
    ],
)
def test_neither_gain_nor_place_moves_a_start(start: Callable, taps: np.ndarray) -> None:
    plain = np.array(start(seen(taps)))
    np.testing.assert_allclose(start(seen(taps, gain=0.02)), plain, rtol=1e-9)
    moved = np.array(start(seen(taps, 5, -7)))
    if start is starts.wave:  # its phase is an angle
        moved[:, -1] = plain[:, -1] + (moved[:, -1] - plain[:, -1] + 180) % 360 - 180
    np.testing.assert_allclose(moved, plain, rtol=1e-6, atol=1e-6)


def errors_and_taps(rng: np.random.Generator, taps: np.ndarray) -> Estimate:
    half = rng.standard_normal((taps.size, taps.size)) * 0.002
    covariance = half @ half.T + 1e-6 * np.eye(taps.size)
    noise = np.linalg.cholesky(covariance) @ rng.standard_normal(taps.size)
    return Estimate(taps + noise.reshape(taps.shape), (0, 0), covariance, 1e-9, np.inf)


def test_a_fit_is_scipys_and_its_errors_are_those_of_the_curvature(rng: np.random.Generator) -> None:
    """``(JᵀC⁻¹J)⁻¹`` of the parameters and the gain, ``J`` by SciPy's own differences."""
    size = (9, 11)

    def shape(values: np.ndarray) -> np.ndarray:
        return shapes.two_bells(*values, size)

    seen_ = errors_and_taps(rng, 2.0 * shape(np.array([1.3, 2.2])))
    low, high = np.array([0.05, 0.05]), np.array([30.0, 30.0])
    found = fit(seen_, shape, np.array([2.0, 1.0]), low, high)
    root = np.linalg.cholesky(np.linalg.inv(seen_.covariance + 1e-18 * np.eye(99))).T

    def left(values: np.ndarray) -> np.ndarray:
        return root @ (seen_.taps - values[2] * shape(values[:2])).ravel()

    expected = least_squares(left, [2.0, 1.0, 1.5], jac="3-point", xtol=1e-14, ftol=1e-14, gtol=1e-14)
    np.testing.assert_allclose([*found.values, found.gain], expected.x, rtol=1e-4)
    assert found.chi2 == pytest.approx(2 * expected.cost, abs=2e-3)
    at = at_point(seen_, shape, expected.x[:2])
    covariance = np.linalg.inv(expected.jac.T @ expected.jac)
    np.testing.assert_allclose(standard_errors(seen_, shape, at, low, high), np.sqrt(np.diag(covariance)), rtol=1e-4)


def test_a_parameter_that_the_taps_do_not_feel_has_no_error_bar(rng: np.random.Generator) -> None:
    seen_ = errors_and_taps(rng, named_kernel("gaussian:1.2,9").taps)

    def shape(values: np.ndarray) -> np.ndarray:
        return shapes.separable(families.bell)(values[0], (9, 9))

    low, high = np.array([0.05, -1.0]), np.array([20.0, 1.0])
    found = fit(seen_, shape, np.array([3.0, 0.0]), low, high)
    errors = standard_errors(seen_, shape, found, low, high)
    assert np.isinf(errors[1])
    alone = standard_errors(seen_, shape, at_point(seen_, shape, found.values[:1]), low[:1], high[:1])
    np.testing.assert_allclose(errors[[0, 2]], alone, rtol=1e-6)


def test_a_fit_stays_within_its_bounds(rng: np.random.Generator) -> None:
    seen_ = errors_and_taps(rng, named_kernel("gaussian:2,9").taps)

    def shape(values: np.ndarray) -> np.ndarray:
        return shapes.separable(families.bell)(values[0], (9, 9))

    for low, high, end in ((0.05, 1.5, 1.5), (2.5, 9.0, 2.5)):
        found = fit(seen_, shape, np.array([7.0]), np.array([low]), np.array([high]))
        assert found.values[0] == pytest.approx(end)
