"""Find the integers over one divisor that an estimate stands for, within its error bars and not by chance."""

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.parameters import Parameters
from convkit.recovery.proof.factors import estimated_factors
from convkit.recovery.proof.snapped import TELLING, Snapped

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Integers = NDArray[np.int64]

# A tap further than so many standard errors from an integer is no integer. Generous, because rounding errors are not
# quite independent of the picture (a division by 6 on noise moves taps by 7); chance is judged by the distances found.
_BAR = 8.0
# Rounding errors are not quite independent of a picture's gray, so that the sum, of all the best known, moves by many
# of its tiny standard errors; it still lies far nearer to an integer than half.
_SUM = 0.1
_LARGEST_DIVISOR = 1 << 16
# When more divisors fit, the bars are too wide to tell any apart.
_MOST_SURVIVORS = 64
# Programs that compute in fixed point: judged as so many guesses, not as one of 65536.
_FIXED_POINT = (64, 128, 256, 512, 1024, 2048, 4096, 16384, 32768, 65536)
# For guesses that a replay proves or refuses: divisors, how near to integers, and how well the taps must be known.
_MOST_GUESSED = 128
_NEAR, _SURE = 0.1, 0.02
# Least squares solves to about so many digits: no error bar is narrower.
_DIGITS = 1e-12


def snap(point: Parameters, covariance: Matrix, level: float | None = None) -> Snapped | None:
    """Find the kernel of integers over a common divisor that an estimate stands for.

    A divisor ``m`` fits when every ``m·tap`` lies within 8 standard errors of an integer, and the sum of the taps,
    which is known far better than any tap, tells the sum of those integers. A kernel of real numbers would do so by
    chance: the distance of ``m·tap`` from an integer is then uniform, so that one as small as ``d`` has probability
    ``2d``. Taps of equal size are one value, known as well as their mean; those that snap to zero tell nothing of
    ``m``; where the taps add up to a whole gain, the value known least follows from the others and is left out; no
    distance counts for less than its standard error. The probability of the product of all is Fisher's (*Statistical
    Methods for Research Workers*, section 21.1), times ``m`` for the divisors tried up to ``m``. The smallest divisor
    with a chance of at most 0.01 is taken; then powers of two, as of programs in fixed point, as so many guesses;
    failing both the least likely chance, which only a replay can prove. When no divisor fits, the two factors of a
    separable kernel are snapped, which are better known than its taps: fixed-point Gaussians are products over 256·256.

    Parameters
    ----------
    point : Parameters
        The estimate, its bias in image units.
    covariance : ndarray, shape (kh·kw, kh·kw) or (kh·kw + 1, kh·kw + 1)
        Of the taps row by row, and the bias if it was sought: ``noise_variance · unit_covariance``.
    level : float or None
        The target's step in image units, which the bias is told in; None for 1.

    Returns
    -------
    Snapped or None
        Its bias is the simplest fraction of a level within the bars of the fitted one: -1/2 for truncation.

    Examples
    --------
    >>> found = snap(Parameters(np.array([[0.0769, 0.3847]]), 0.0), 1e-8 * np.eye(3))
    >>> found.text(), found.bias
    ('1,5 / 13', Fraction(0, 1))
    """
    taps = np.asarray(point.taps, dtype=np.float64)
    count = taps.size
    errors = covariance[:count, :count]
    found = _lattice(taps.ravel(), errors)
    if found is None and min(taps.shape) > 1:
        found = _snapped_factors(taps, errors)
    if found is None:
        return None
    numerators, divisor, chance = found
    common = math.gcd(divisor, *numerators.tolist())
    scale = 1.0 if level is None else level
    error = math.sqrt(max(covariance[count, count], 0.0)) / scale if len(covariance) > count else 0.0
    divisor //= common
    return Snapped(
        (numerators // common).reshape(taps.shape), divisor, _bias(point.bias / scale, error, divisor), chance
    )


def guesses(point: Parameters, covariance: Matrix, level: float | None = None) -> Iterator[Snapped]:
    """Yield kernels of small whole numbers near an estimate, for a replay to prove or to refuse.

    Rounding errors are white but roughly: over a divisor of 6 they move the taps of a noise chart by 7 standard errors,
    and `snap` then finds nothing. What all lies within a tenth of integers is worth a replay.

    Examples
    --------
    >>> near = guesses(Parameters(np.array([[0.3341, 0.6659]])), 1e-10 * np.eye(3))
    >>> next(near).text()
    '1,2 / 3'
    """
    taps = np.asarray(point.taps, dtype=np.float64)
    errors = np.sqrt(np.maximum(np.diag(covariance)[: taps.size], 0.0))
    scale = 1.0 if level is None else level
    for divisor in range(1, _MOST_GUESSED + 1):
        numerators = np.rint(divisor * taps).astype(np.int64)
        sure = divisor * float(errors.max()) <= _SURE and float(np.abs(divisor * taps - numerators).max()) <= _NEAR
        if sure and numerators.any() and math.gcd(divisor, *numerators.ravel().tolist()) == 1:
            yield Snapped(numerators, divisor, Fraction(round(2.0 * point.bias / scale), 2), 1.0)


def _lattice(values: Vector, covariance: Matrix) -> tuple[Integers, int, float] | None:
    """Return numerators, divisor and chance of the smallest divisor that fits improbably well."""
    largest = float(np.abs(values).max())
    covariance = covariance + (_DIGITS * largest) ** 2 * np.eye(len(values))
    errors = np.sqrt(np.diag(covariance))
    if not (largest > 0.0 and np.isfinite(errors).all()):
        return None
    # Beyond this divisor even the best known tap always lies within the bars.
    divisors = np.arange(1, min(_LARGEST_DIVISOR, int(0.5 / (_BAR * float(errors.min())))) + 1)
    for tap in np.argsort(errors, kind="stable"):  # those that refute most come first
        scaled = divisors * values[tap]
        divisors = divisors[np.abs(scaled - np.rint(scaled)) <= _BAR * divisors * errors[tap]]
    best: tuple[Integers, int, float] | None = None
    tried = [(m, m) for m in divisors[:_MOST_SURVIVORS].tolist()]
    tried += [(m, len(_FIXED_POINT)) for m in _FIXED_POINT if m in divisors]
    for divisor, guesses in tried:
        numerators = np.rint(divisor * values)
        if not (numerators.any() and _sums_agree(numerators, divisor, values, covariance)):
            continue
        chance = guesses * _chance(divisor, divisor * values, divisor**2 * covariance, numerators)
        if chance < (1.0 if best is None else best[2]):
            best = numerators.astype(np.int64), divisor, chance
        if chance <= TELLING:
            break
    return best


def _sums_agree(numerators: Vector | Integers, divisor: int, values: Vector, covariance: Matrix) -> bool:
    """Whether the integers add up to what the divisor makes of the values' sum."""
    off = abs(float(numerators.sum()) - divisor * math.fsum(values.tolist()))
    return off <= max(_SUM, _BAR * divisor * math.sqrt(max(float(covariance.sum()), 0.0)))


def _chance(divisor: int, values: Vector, covariance: Matrix, numerators: Vector) -> float:
    """Probability that real numbers would lie as near to integers: Fisher's, over the distinct sizes."""
    known = []  # how well each distinct value is known, and -ln of its probability
    for size in np.unique(np.abs(numerators[numerators != 0.0])):
        (alike,) = np.nonzero(np.abs(numerators) == size)
        signs = np.sign(numerators[alike])
        mean = float(signs @ values[alike]) / len(alike)
        variance = max(float(signs @ covariance[np.ix_(alike, alike)] @ signs), _DIGITS**2)
        error = math.sqrt(variance) / len(alike)
        known.append((error, -math.log(min(1.0, 2.0 * max(abs(mean - size), error)))))
    if len(known) > 1 and numerators.sum() % divisor == 0.0:
        known.remove(max(known))
    logarithms = [value for _, value in known]
    total = sum(logarithms)  # -ln of the product
    # exp(-t)·Σ tⁱ/i! over i < n: a Poisson tail, in logarithms, since t may be thousands
    terms = [i * math.log(total) - math.lgamma(i + 1) if i else 0.0 for i in range(len(logarithms))] if total else [0.0]
    most = max(terms)
    return min(1.0, math.exp(most - total) * math.fsum(math.exp(term - most) for term in terms))


def _snapped_factors(taps: Matrix, covariance: Matrix) -> tuple[Integers, int, float] | None:
    """Snap the column and the row of a separable kernel, if their product lies within the bars of every tap."""
    factors = estimated_factors(taps, covariance)
    if factors is None:
        return None
    column, row = (_lattice(factor.values, factor.covariance) for factor in factors)
    if column is None or row is None or column[1] * row[1] > _LARGEST_DIVISOR**2:
        return None
    numerators, divisor = np.outer(column[0], row[0]).ravel(), column[1] * row[1]
    errors = np.sqrt(np.maximum(np.diag(covariance), 0.0)) + _DIGITS * float(np.abs(taps).max())
    within = (np.abs(numerators / divisor - taps.ravel()) <= _BAR * errors).all()
    if not (within and _sums_agree(numerators, divisor, taps.ravel(), covariance)):
        return None
    return numerators, divisor, column[2] + row[2]


def _bias(value: float, error: float, divisor: int) -> Fraction:
    """Return a whole or half number of levels within the bars, else the simplest fraction.

    Rounding halves one way moves the mean by ``1/(2·divisor)``, and truncation by that less than a half.
    """
    reach = _BAR * error + _DIGITS * max(1.0, abs(value))
    half = Fraction(round(2.0 * value), 2)
    if abs(value - half) <= reach:
        return half
    return simplest_fraction(value - reach - 0.5 / divisor, value + reach + 0.5 / divisor)


def simplest_fraction(low: float, high: float) -> Fraction:
    """Return the fraction of smallest denominator from ``low`` to ``high``, both included.

    By continued fractions (Knuth, *The Art of Computer Programming*, volume 2, exercise 4.5.3-39).

    Examples
    --------
    >>> simplest_fraction(0.3, 0.4), simplest_fraction(-0.51, -0.4), simplest_fraction(-0.1, 0.1)
    (Fraction(1, 3), Fraction(-1, 2), Fraction(0, 1))
    """
    bottom, top = Fraction(low), Fraction(high)
    if bottom <= 0 <= top:
        return Fraction(0)
    if top < 0:
        return -_simplest(-top, -bottom)
    return _simplest(bottom, top)


def _simplest(bottom: Fraction, top: Fraction) -> Fraction:
    whole = math.ceil(bottom)
    if whole <= top:
        return Fraction(whole)
    floor = whole - 1
    return floor + 1 / _simplest(1 / (top - floor), 1 / (bottom - floor))
