"""What is said of a kernel without a name, beside closed forms and dense computations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convkit.kernel import groups, named_kernel
from convkit.recovery.naming import Properties, name_kernel

LIBRARY = [entry.name for entries in groups().values() for entry in entries if max(entry.shape) <= 15]


def of(taps: np.ndarray, offset: tuple[int, int] | None = None, sigma: float = 0.0) -> Properties:
    taps = np.asarray(taps, dtype=float)
    centred = -((taps.shape[0] - 1) // 2), -((taps.shape[1] - 1) // 2)
    return name_kernel(taps, sigma**2 * np.eye(taps.size), offset or centred).properties


@pytest.mark.parametrize("name", LIBRARY)
def test_the_library_beside_numpy(name: str) -> None:
    kernel = named_kernel(name)
    found, taps = of(kernel.taps), kernel.taps
    assert found.sum == pytest.approx(kernel.sum, abs=1e-12)
    assert found.zero_sum == kernel.is_zero_sum
    assert found.unit_sum == (abs(kernel.sum - 1) < 1e-9)
    assert found.separable == (kernel.rank == 1)
    if all(side % 2 for side in taps.shape):
        middle = [side // 2 for side in taps.shape]
        square = np.zeros((2 * max(middle) + 1,) * 2)
        rows, columns = (max(middle) - at for at in middle)
        square[rows : rows + taps.shape[0], columns : columns + taps.shape[1]] = taps
        if np.array_equal(np.rot90(square, 2), square):  # otherwise its middle may be elsewhere
            assert ("left-right" in found.symmetries) == np.allclose(square, square[:, ::-1], rtol=0, atol=1e-9)
            assert ("diagonal" in found.symmetries) == np.allclose(square, square.T, rtol=0, atol=1e-9)
            assert ("quarter-turn" in found.symmetries) == np.allclose(square, np.rot90(square), rtol=0, atol=1e-9)
            assert "half-turn" in found.symmetries


@pytest.mark.parametrize(
    ("name", "band"),
    [
        ("identity", "all-pass"),
        ("shift:2,-1", "all-pass"),
        ("box:5", "low-pass"),
        ("gaussian:1.2,9", "low-pass"),
        ("d2l", "high-pass"),
        ("laplacian", "high-pass"),
        ("outline", "high-pass"),
        ("kornia/diff", "band-pass"),
        ("sobel", "band-pass"),
        ("log:2", "band-pass"),
        ("sharpen", "high-boost"),
        ("unsharp:1,1.5", "high-boost"),
        ("pillow/edge-enhance", "high-boost"),
    ],
)
def test_what_passes(name: str, band: str) -> None:
    assert of(named_kernel(name).taps).band == band


@pytest.mark.parametrize(
    ("name", "even", "odd"),
    [
        ("sobel", {"top-bottom"}, {"left-right", "half-turn"}),
        ("emboss:90", set(), set()),
        ("frei-chen-6", {"diagonal", "half-turn"}, {"left-right", "top-bottom", "quarter-turn"}),
        ("d2l", {"top-bottom"}, {"left-right", "half-turn"}),
        ("motion:9,30", {"half-turn"}, set()),
        ("box:2x4", {"left-right", "top-bottom", "half-turn"}, set()),
    ],
)
def test_symmetries(name: str, even: set[str], odd: set[str]) -> None:
    found = of(named_kernel(name).taps)
    assert (set(found.symmetries), set(found.antisymmetries)) == (even, odd)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(-4, 4), st.integers(-4, 4))
def test_a_box_is_as_wide_as_it_is(rows: int, columns: int, down: int, right: int) -> None:
    found = of(np.full((rows, columns), 0.3), (down, right))
    assert found.width == pytest.approx((rows, columns))
    assert found.centre == pytest.approx((down + (rows - 1) / 2, right + (columns - 1) / 2))
    assert found.size == (rows, columns)


def test_a_gaussian_is_as_wide_as_the_box_of_its_variance() -> None:
    # 12σ² + 1 = 49. Taps below 6e-7 of the largest do not count: 5.4 sigmas out, they carry 3e-6 of the variance.
    assert of(named_kernel("gaussian:2,25").taps).width == pytest.approx((7, 7), rel=1e-5)


def test_size_is_that_of_what_is_seen() -> None:
    window = np.zeros((9, 11))
    window[2:5, 3:8] = 1.0
    assert of(window).size == (3, 5)
    noise = np.random.default_rng(1).normal(scale=0.01, size=window.shape)
    assert of(window + noise, sigma=0.01).size == (3, 5)


def test_a_centre_of_mass_is_not_given_where_taps_cancel() -> None:
    assert of(named_kernel("sobel").taps).centre is None
    assert of(named_kernel("sobel").taps + 0.01).centre is None


@pytest.mark.parametrize("correlation", [0.0, 0.8])
def test_properties_hold_within_error_bars_and_no_further(correlation: float, rng: np.random.Generator) -> None:
    """Noise keeps separability and symmetry; a departure of many standard errors does not."""
    taps = np.outer([1.0, 3, 4, 3, 1], [2.0, 5, 7, 5, 2]) / 100
    rows, columns = np.divmod(np.arange(25), 5)
    distance = np.hypot(rows[:, None] - rows, columns[:, None] - columns)
    covariance = 1e-6 * np.where(distance == 0, 1.0, correlation**distance if correlation else 0.0)
    root = np.linalg.cholesky(covariance)
    kept = bent = 0
    for _ in range(25):
        noisy = taps + (root @ rng.standard_normal(25)).reshape(5, 5)
        found = name_kernel(noisy, covariance, (-2, -2)).properties
        kept += found.separable and {"left-right", "top-bottom", "half-turn"} <= set(found.symmetries)
        noisy[0, 4] += 20e-3  # 20 standard errors, in one corner
        found = name_kernel(noisy, covariance, (-2, -2)).properties
        bent += found.separable or "left-right" in found.symmetries
    assert kept >= 24
    assert bent == 0


def test_the_line_without_a_name() -> None:
    taps = np.array([[1.0, 2, 0], [2, 5, 1], [0, 1, 4]]) / 16
    assert name_kernel(taps, np.zeros((9, 9)), (-1, -1)).text == (
        "no known name: 3x3, not separable, symmetric (diagonal), sum 1, low-pass, "
        "effective width 2.61x2.61 pixels, centre of mass (0.125, 0.125)"
    )
