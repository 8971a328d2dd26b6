"""Nasty small systems beside arithmetic of fifty digits: what is printed errs by no more than is said.

With ``p`` unknowns, ``X`` with columns of length 1, ``κ`` the condition number of its ``XᵀX`` and ``ε = 2.2·10⁻¹⁶``:

- Taps are those of the exact least-squares answer to ``2 p ε κ`` of the largest. Of a target without noise, which is
  refined by passes over the image, to ``2 p ε √κ``: what the image, not its square, leaves.
- With noise on the target they err by less than 10⁻⁵ of their printed standard errors: the bars cover the arithmetic.
- Standard errors themselves are right to ``2 p ε κ``, or the 10⁻⁹ that `_CANCELLED` allows of a sum of squares.
- The condition number is right to ``p ε κ`` of itself, for an eigenvalue errs by ``ε`` of the largest; from
  ``1/(p ε)`` on the answer is "not identifiable" instead.
"""

from collections.abc import Iterator

import mpmath
import numpy as np
import pytest

from convkit.recovery import Optimum, Problem, find_optimum

EPS = float(np.finfo(np.float64).eps)


def images() -> Iterator[tuple[str, np.ndarray]]:
    rng = np.random.default_rng(7)
    noise = rng.standard_normal((14, 15))
    ramp = np.add.outer(np.arange(14) * 0.5, np.arange(15) * 1.0) / 20
    for power in range(9):  # condition numbers from 4 to 5·10¹⁶
        yield f"nearly a ramp, 1e-{power}", ramp + 10.0**-power * noise
    for power in (2, 4, 6, 8):
        yield f"far from zero, 1e{power}", noise + 10.0**power
    for power in (-150, -20, 20, 100):
        yield f"in odd units, 1e{power}", noise * 10.0**power
    # As the columns of Vandermonde's matrix: sums of p geometric sequences have rank p, however alike they are.
    for rates in ((0.9, 0.8, 0.5), (0.9, 0.89, 0.5), (0.9, 0.899, 0.5)):
        yield f"geometric, {rates}", sum(np.power(rate, np.arange(60)) for rate in rates)[None]
    yield "a polynomial", sum((np.arange(60) / 60) ** power for power in range(4))[None]


def solved(image: np.ndarray, *, noise: float, bias: bool) -> tuple[Optimum, mpmath.matrix, mpmath.matrix, float]:
    """Return convkit's answer; and the exact one, the inverse of ``XᵀX`` and the variance, in fifty digits."""
    rng = np.random.default_rng(8)
    size = (3, 3) if len(image) > 1 else (1, 3)
    windows = np.lib.stride_tricks.sliding_window_view(image, size)
    target = np.einsum("ijuv,uv->ij", windows, rng.standard_normal(size))
    target += noise * np.abs(target).max() * rng.standard_normal(target.shape)
    problem = Problem.of(image, target, size, bias=bias)
    optimum = find_optimum(problem, problem.condensed())
    rows = windows.reshape(target.size, -1)
    if bias:
        rows = np.hstack([rows, np.ones((len(rows), 1))])
    matrix, right = mpmath.matrix(rows.tolist()), mpmath.matrix(target.ravel().tolist())
    gram = matrix.T * matrix
    inverse = gram**-1
    point = inverse * (matrix.T * right)
    residual = right - matrix * point
    squares = mpmath.fsum(each**2 for each in residual)
    return optimum, point, inverse, float(squares / (len(rows) - len(rows[0])))


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("noise", [0.0, 1e-3])
@pytest.mark.parametrize(("name", "image"), tuple(images()))
def test_what_is_printed_beside_fifty_digits(name: str, image: np.ndarray, noise: float, bias: bool) -> None:
    if bias and "units" in name:
        return  # a constant column beside columns of 1e-150 is beyond fifty digits as well
    with mpmath.workdps(50 if "zero" not in name else 80):
        optimum, point, inverse, variance = solved(image, noise=noise, bias=bias)
        taps = optimum.point.taps.size
        unknowns, condition = optimum.unknowns, optimum.spectrum.scaled_condition
        errors = np.array([float(abs(float(w) - point[i])) for i, w in enumerate(optimum.point.taps.ravel())])
        exact_bars = np.array([float(mpmath.sqrt(variance * inverse[i, i])) for i in range(taps)])
    bars = optimum.standard_errors(None)[:taps]
    if not optimum.spectrum.identifiable:
        assert name in ("nearly a ramp, 1e-8", "far from zero, 1e8")
        assert optimum.spectrum.condition_number is None
        assert np.isnan(bars).any()
        return
    largest = float(np.abs(optimum.point.taps).max())
    power = 1.0 if noise else 0.5
    assert errors.max() <= 2 * unknowns * EPS * condition**power * largest
    if noise:
        assert (errors <= 1e-5 * bars).all()
        np.testing.assert_allclose(bars, exact_bars, rtol=2 * unknowns * EPS * condition + 1e-9, atol=0)


@pytest.mark.parametrize(("name", "image"), [pair for pair in images() if "ramp" in pair[0] or "geometric" in pair[0]])
def test_the_condition_number_beside_fifty_digits(name: str, image: np.ndarray) -> None:
    with mpmath.workdps(50):
        optimum, _, inverse, _ = solved(image, noise=1e-3, bias=False)
        values = mpmath.eigsy(inverse, eigvals_only=True)
        exact = float(values[len(values) - 1] / values[0])
    said = optimum.spectrum.condition_number
    if said is None:
        assert exact * optimum.unknowns * EPS > 1.0
        return
    assert said == pytest.approx(exact, rel=optimum.unknowns * EPS * exact + 1e-12)
