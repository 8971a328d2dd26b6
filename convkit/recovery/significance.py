"""How far beyond chance a sum of squares lies: one scale for chi-squares of every kind.

The cube root of a chi-square is nearly normal (Wilson & Hilferty, PNAS 17, 1931), and so is that of an F once its
denominator is taken into account (Paulson, Annals of Mathematical Statistics 13, 1942).
"""

import math


def deviations(ratio: float, freedom: float, samples: float = math.inf) -> float:
    """Say by how many standard deviations a chi-square per degree of freedom exceeds what noise alone gives.

    Parameters
    ----------
    ratio : float
        Chi-square over its degrees of freedom; 1 is what noise gives on average.
    freedom : float
        Degrees of freedom, above 0.
    samples : float
        Degrees of freedom behind the noise variance itself; infinite when it is known. Then the ratio follows an
        F distribution.

    Returns
    -------
    float
        A standard normal deviate.

    Examples
    --------
    >>> round(deviations(1.0, 100), 2), round(deviations(2.0, 100), 1)
    (0.05, 5.6)
    >>> deviations(2.0, 100, samples=10) < 2
    True
    """
    mine, theirs = 2 / (9 * freedom), 2 / (9 * samples)
    root = math.cbrt(ratio)
    return (root * (1 - theirs) - (1 - mine)) / math.sqrt(root**2 * theirs + mine)


def largest_by_chance(freedom: float, limit: float) -> float:
    """Return the chi-square per degree of freedom that lies ``limit`` deviations above chance.

    Examples
    --------
    >>> round(deviations(largest_by_chance(7, 4.0), 7), 6)
    4.0
    """
    mine = 2 / (9 * freedom)
    return float((1 - mine + limit * math.sqrt(mine)) ** 3)


def effective_freedom(mean: float, squares: float, most: float = math.inf) -> float:
    """Return the degrees of freedom of the scaled chi-square with the mean and variance of a sum of squares.

    Parameters
    ----------
    mean : float
        Of the sum of squares: ``tr C`` where its terms have covariance ``C``.
    squares : float
        Half its variance: ``tr C²``.
    most : float
        How many terms there are.

    Returns
    -------
    float
        At least 1, at most ``most`` (Satterthwaite, Biometrics Bulletin 2, 1946).

    Examples
    --------
    >>> effective_freedom(10.0, 10.0), effective_freedom(10.0, 100.0)
    (10.0, 1.0)
    """
    return max(min(mean**2 / squares, most), 1.0)


def outlier_bound(count: int) -> float:
    """Return what the largest of ``count`` standard normal deviates exceeds in one of ten thousand draws at most.

    From the tail bound ``P(|z| > t) <= 2·exp(-t²/2)``, over all of them.

    Examples
    --------
    >>> round(outlier_bound(9), 2), round(outlier_bound(225), 2)
    (4.92, 5.54)
    """
    return math.sqrt(2 * math.log(2e4 * max(count, 1)))
