"""What is said of a kernel without a name, beside closed forms and dense computations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convkit.kernel import groups, named_kernel
from convkit.recovery.naming import Properties, name_kernel
from convkit.recovery.naming.properties import _is_even, _is_separable, _Noise, _partners

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


class Recorder(_Noise):
    """Keeps the mean square that noise alone would leave."""

    def explains(self, residual: np.ndarray, mean: float, stretch: float) -> bool:
        object.__setattr__(self, "asked", (residual, mean))
        return super().explains(residual, mean, stretch)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("shape", [(3, 4), (4, 4), (3, 1)])
def test_what_noise_leaves_of_a_mirrored_kernel_is_a_trace(sign: float, shape: tuple, rng: np.random.Generator) -> None:
    """``r = (1 - sS)·k`` of noise with covariance ``C`` has the mean square ``tr (1 - sS)·C·(1 - sS)ᵀ``."""
    p = shape[0] * shape[1]
    half = rng.standard_normal((p, p))
    floor = 0.3
    noise, taps = Recorder(half @ half.T, floor, 1.0), rng.standard_normal(shape)
    rows, columns = np.indices(shape)
    middle = (shape[0] - 1) / 2, (shape[1] - 1) / 2
    down, across = rows - middle[0], columns - middle[1]
    for partner, mirrored in (
        (_partners(shape, middle, down, -across), taps[:, ::-1]),
        (_partners(shape, middle, -down, across), taps[::-1]),
        (_partners(shape, middle, -down, -across), taps[::-1, ::-1]),
    ):
        _is_even(taps, noise, partner, sign)
        residual, mean = noise.asked
        np.testing.assert_allclose(residual, (taps - sign * mirrored).ravel(), atol=1e-12)
        change = np.eye(p) - sign * np.eye(p)[partner]
        expected = np.trace(change @ (half @ half.T + floor**2 * np.eye(p)) @ change.T)
        assert mean == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("shape", [(3, 5), (4, 2)])
def test_what_noise_leaves_of_a_separable_kernel_is_a_trace(shape: tuple, rng: np.random.Generator) -> None:
    """To first order a product of two vectors leaves ``(1 - uuᵀ) N (1 - vvᵀ)`` of noise ``N``."""
    p, floor = shape[0] * shape[1], 0.02
    half = rng.standard_normal((p, p))
    noise = Recorder(half @ half.T, floor, 1.0)
    u, v = (vector / np.linalg.norm(vector) for vector in (rng.random(shape[0]), rng.random(shape[1])))
    _is_separable(7.0 * np.outer(u, v), noise)
    change = np.kron(np.eye(shape[0]) - np.outer(u, u), np.eye(shape[1]) - np.outer(v, v))
    expected = np.trace(change @ (half @ half.T + floor**2 * np.eye(p)) @ change)
    residual, mean = noise.asked
    np.testing.assert_allclose(residual, 0.0, atol=1e-12)
    assert mean == pytest.approx(expected, rel=1e-9)


def test_the_middle_may_lie_between_pixels_in_both_axes_or_in_one() -> None:
    """A quarter turn about a middle between pixels of one axis alone takes no pixel to a pixel."""
    assert "quarter-turn" in of(np.ones((4, 4))).symmetries
    assert "diagonal" in of(np.ones((4, 4))).symmetries
    long = of(np.ones((3, 4))).symmetries
    assert set(long) == {"left-right", "top-bottom", "half-turn"}
    window = np.zeros((6, 6))
    window[1:3, 2:4] = [[1.0, 2.0], [2.0, 1.0]]  # its middle is not the window's
    assert set(of(window).symmetries) == {"diagonal", "half-turn"}
    assert set(of(window).antisymmetries) == set()


@pytest.mark.parametrize("scale", [1e-4, 1e4])
def test_properties_do_not_depend_on_the_unit(scale: float, rng: np.random.Generator) -> None:
    taps = np.outer([1.0, 3, 4, 3, 1], [2.0, 5, 7, 5, 2]) / 100 + rng.normal(scale=1e-3, size=(5, 5))
    for extra in (0.0, 0.004):
        taps[0, 4] += extra
        plain = name_kernel(taps, 1e-6 * np.eye(25), (-2, -2)).properties
        scaled = name_kernel(scale * taps, (1e-3 * scale) ** 2 * np.eye(25), (-2, -2)).properties
        for name in ("separable", "symmetries", "antisymmetries", "size", "band"):
            assert getattr(plain, name) == getattr(scaled, name)
        assert plain.width == pytest.approx(scaled.width, rel=1e-9)


def test_long_kernels_are_judged_whole() -> None:
    """Two taps 100 pixels apart that cancel: either alone would let everything pass."""
    row = np.zeros((1, 101))
    row[0, [0, -1]] = 1.0, -1.0
    assert of(row).band == of(row.T).band == "band-pass"
    assert of(np.abs(row)).band == "low-pass"


def test_what_is_all_noise_has_every_symmetry_about_the_windows_middle() -> None:
    noise = np.random.default_rng(4).normal(scale=0.01, size=(4, 4))
    found = of(noise, sigma=0.01)
    assert found.size == (0, 0)
    assert set(found.symmetries) == {"left-right", "top-bottom", "diagonal", "half-turn", "quarter-turn"}
