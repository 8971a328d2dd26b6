"""Windows inside windows, whose falls are chosen: what counts as noise, as a halo, and as a tap."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from convkit.recovery import NormalEquations
from convkit.recovery.recording import Recording
from convkit.recovery.registered import Registered
from convkit.recovery.support.beyond import Whitener
from convkit.recovery.support.chance import CRITICAL, Noise
from convkit.recovery.support.nest import FAINT, Nest, inverse_of_triangle
from convkit.recovery.support.window import Reach, Window

COUNT = 1e5
FLOAT = Recording()


def nest_of(falls: list[float], residual: float, recording: Recording = FLOAT, *, bias: bool = True) -> Nest:
    """With the identity for a Gram matrix, a ring of equal taps lowers the squares by the sum of its taps' squares."""
    side = 2 * len(falls) - 1
    window = Window((side, side), (-(side // 2), -(side // 2)))
    rings = Reach(window, (0, 0), given=False).ring_of_taps(window)
    taps = np.sqrt(np.array(falls) / np.bincount(rings))[rings]
    means = np.zeros(side**2), 0.0
    energy = float(sum(falls)) + residual
    return Nest(window, np.eye(side**2), taps, energy, COUNT, means, rings, recording, bias)


@pytest.mark.parametrize("bias", [True, False])
def test_rings_lower_the_squares_by_their_falls(bias: bool) -> None:
    nest = nest_of([50.0, 20.0, 0.0, 7.0], 1000.0, bias=bias)
    np.testing.assert_allclose(nest.falls, [50, 20, 0, 7], atol=1e-9)
    np.testing.assert_allclose(nest.residual_squares, [1027, 1007, 1007, 1000], rtol=1e-9)
    assert nest.noise.freedom == COUNT - 49 - bias
    assert nest.noise.variance == pytest.approx(1000 / (COUNT - 49 - bias), rel=1e-9)
    assert nest.identifiable
    np.testing.assert_allclose(nest.variances(), 1.0, rtol=1e-9)


def test_noise_is_no_less_than_the_rounding() -> None:
    level = Recording(1.0, -math.inf, math.inf)
    quiet, loud = nest_of([50.0], 0.5 * COUNT / 12, level), nest_of([50.0], 4.0 * COUNT / 12, level)
    assert quiet.noise.variance == pytest.approx(1 / 12)
    assert loud.noise.variance == pytest.approx(4 / 12, rel=1e-4)
    assert (quiet.noisy, loud.noisy) == (False, True)
    # Below 1/64 of a rounding, in standard deviations, a tap is not worth its while.
    assert quiet.noise.least == pytest.approx(COUNT / 12 / 64**2)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_sums_are_known_to_a_part_of_their_terms_whatever_the_units(scale: float, rng: np.random.Generator) -> None:
    """The floor is of the target's unit squared; the image's unit has no part in it, but its distance from zero has."""
    image = rng.random((40, 41))
    target = image[1:-1, 1:-1] - 0.5 * image[:-2, 1:-1]
    window = Window((3, 3), (-1, -1))
    reach = Reach(window, (0, 0), given=False)

    def floor(x: np.ndarray, y: np.ndarray) -> float:
        return Nest.of(NormalEquations.of(x, y, (3, 3), bias=False), window, reach, FLOAT).floor

    plain = floor(image, target)
    assert floor(scale * image, target) == pytest.approx(plain, rel=1e-6)
    assert floor(image, scale * target) == pytest.approx(scale**2 * plain, rel=1e-6)
    terms = np.linalg.norm(target) + 1.5 * np.linalg.norm(image[1:-1, 1:-1])
    assert plain == pytest.approx(2.0**-52 * terms**2, rel=0.1)


@pytest.mark.parametrize(
    ("falls", "halo"),
    [
        ([5e4, 150.0, 60.0, 0.0], False),  # a cliff of a factor of 333 only
        ([5e5, 150.0, 60.0, 0.0], True),  # 3333, and the next ring has more than a third of the faint one
        ([5e5, 80.0, 70.0, 65.0], True),
        ([5e5, 100.0, 28.0, 5.0], False),  # it dies away
        ([5e5, 600.0, 500.0, 0.0], False),  # more than faint: 0.6 % of the noise
        ([5e5, 9.0, 40.0, 0.0], False),  # nine for eight taps is chance
        ([5e5, 80.0, 16.0, 15.0], False),  # sixteen for sixteen taps is chance, and less than a third
        ([5e5, 40.0, 16.0, 10.0], False),  # more than a third, but chance
        ([30.0, 5e5, 400.0, 300.0], True),
        ([5e5, 4e4, 400.0, 80.0], False),
    ],
)
def test_what_goes_on_faintly_beyond_a_cliff_is_a_halo(falls: list[float], halo: bool) -> None:
    noise = nest_of(falls, COUNT).noise
    assert noise.least == (pytest.approx(FAINT * COUNT, rel=1e-3) if halo else 0.0)


@pytest.mark.parametrize("ring", [1, 2])
def test_the_last_ring_is_the_last_beyond_chance(ring: int) -> None:
    """Jointly, where the taps' sum of squares exceeds the chi-square (or F) of one chance in 100,000."""
    taps = 8 * ring
    bound = stats.chi2.isf(1e-5, taps)
    for factor, last in ((0.97, 0), (1.03, ring)):
        falls = [1e4, 0.0, 0.0, 0.0]
        falls[ring] = factor * bound
        nest = nest_of(falls, COUNT)
        assert nest.last_ring(Noise(1.0, COUNT)) == last
    assert nest_of([0.0, 0.0], COUNT).last_ring(Noise(1.0, COUNT)) == -1


def test_the_background_is_what_rings_without_taps_have_beyond_chance() -> None:
    """Mean squares of ``m`` taps scatter by ``√(2/m)``; three times that is no background."""
    scatter = math.sqrt(2 / 40)
    for above, expected in ((2.8, 1.0), (3.2, 1 + 3.2 * scatter)):
        per_tap = 1 + above * scatter
        nest = nest_of([1e4, 8e3, 16 * per_tap, 24 * per_tap], COUNT)
        assert nest.background(2) == pytest.approx(expected, rel=2e-3)
        assert nest.background(4) == 1.0
    assert nest_of([3.0, 3.0 * 8], COUNT).background(0) == pytest.approx(3.0, rel=1e-3)


def test_deviates_are_those_of_the_f_distribution() -> None:
    """At one chance in 100,000 Paulson's is too small by 0.07 for eight taps, by less for more: on the careful side."""
    for taps, freedom in ((8, 1e6), (24, 1e4), (40, 500.0)):
        for odds in (1e-2, 1e-5):
            found = Noise(2.0, freedom).deviate(2.0 * taps * stats.f.isf(odds, taps, freedom), taps)
            assert -0.08 < found - stats.norm.isf(odds) < 0.02
    assert pytest.approx(stats.norm.isf(1e-5)) == CRITICAL


@pytest.mark.parametrize("size", [1, 100, 128, 129, 300, 515])
def test_triangles_are_inverted_by_halves(size: int, rng: np.random.Generator) -> None:
    lower = np.tril(rng.standard_normal((size, size)) / size) + np.eye(size)
    np.testing.assert_allclose(inverse_of_triangle(lower) @ lower, np.eye(size), atol=1e-10)


@pytest.mark.parametrize(("reach", "size"), [((9, 9), (5, 5)), ((3, 9), (3, 5)), ((5, 1), (5, 1)), ((2, 4), (1, 3))])
def test_the_whitener_is_a_row_of_the_inverse_covariance(reach, size, rng: np.random.Generator) -> None:
    """No larger than the reach; its variance is that of a pixel given its neighbours."""
    image = np.cumsum(rng.standard_normal((60, 70)), axis=1)
    found = Whitener.of(image, Window(reach, (0, 0)))
    assert found.taps.shape == size
    windows = np.lib.stride_tricks.sliding_window_view(image, size).reshape(-1, size[0] * size[1])
    middle = size[0] * size[1] // 2
    others = np.delete(windows, middle, axis=1)
    design = np.column_stack([others, np.ones(len(others))])
    weights, squares = np.linalg.lstsq(design, windows[:, middle])[:2]
    expected = np.insert(-weights[:-1], middle, 1.0).reshape(size)
    np.testing.assert_allclose(found.taps, expected, atol=1e-6)
    left = float(squares[0]) if squares.size else float(np.square(windows[:, middle] - design @ weights).sum())
    assert found.variance == pytest.approx(left / len(windows), rel=1e-6)


@given(
    st.tuples(st.integers(3, 60), st.integers(3, 60)),
    st.tuples(st.floats(0.1, 1.3), st.floats(0.1, 1.3)),
    st.integers(1, 3),
    st.sampled_from([5, 21, 71]),
)
def test_a_reach_leaves_two_outputs_a_tap_and_is_as_square_as_it_may(image, share, stride: int, largest: int) -> None:
    """However image and target lie to each other: inside its limits, about its centre, and no smaller than it must."""
    target = tuple(max(1, min(int(part * n), n + 4)) for n, part in zip(image, share, strict=True))
    target = tuple(max(1, (n - 1) // stride + 1) for n in target)
    scene = Registered(np.zeros(image), np.zeros(target), stride)
    reach = Reach.of(scene, largest)
    window, rows = reach.window, scene.interior(reach.window.size, reach.window.offset)
    outputs = (rows[0].stop - rows[0].start) * (rows[1].stop - rows[1].start)
    assert window.taps == 1 or outputs >= 2 * window.taps
    for first, last, centre in zip(window.offset, window.last, reach.centre, strict=True):
        assert first <= centre <= last
        assert last - centre - (centre - first) in (0, 1)
    assert max(window.size) <= largest
    assert reach.rings == 1 + max(last - centre for last, centre in zip(window.last, reach.centre, strict=True))
    wide = tuple(
        n - stride * (t - 1) if stride <= n - stride * (t - 1) - 1 < largest else max(1, min(largest, (n + 1) // 3))
        for n, t in zip(image, target, strict=True)
    )
    if window.size[0] < wide[0] - 1 and window.size[1] < wide[1] - 1:  # both were shrunk, the longer one first
        assert abs(window.size[0] - window.size[1]) <= 2
    if window.size[0] < wide[0] - 1 or window.size[1] < wide[1] - 1:  # a little more would have been too much
        more = Window((window.size[0] + 2, window.size[1] + 2), (window.offset[0] - 1, window.offset[1] - 1))
        rows = scene.interior(more.size, more.offset)
        outputs = max(rows[0].stop - rows[0].start, 0) * max(rows[1].stop - rows[1].start, 0)
        assert outputs < 2 * more.taps
