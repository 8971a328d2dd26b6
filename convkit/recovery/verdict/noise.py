"""Whether what is left is white noise: neighbours, JPEG's blocks, and the variance."""

import numpy as np

from convkit.recovery.verdict.features import places
from convkit.recovery.verdict.judgement import Evidence
from convkit.recovery.verdict.regression import RARE, explained, rare_chi_square
from convkit.recovery.verdict.tally import LAGS, SQUARE, Tally

# Correlations of neighbours, and shares of the squares' variance, below which noise is as good as white and even.
_CORRELATED = 0.05
_UNEVEN = 0.01
# JPEG at qualities 75 and 95 moves the agreement of neighbours' signs by 0.03 to 0.6 between places in a block, and by
# more than 4.75 standard errors for nearly all filters; the filters that are not linear stay within 3.1.
_BLOCKED = 0.03


def whiteness(tally: Tally) -> Evidence:
    """Sum the squared correlations of neighbouring residuals (Box & Pierce 1970)."""
    products, counts = tally.neighbours
    variance = float(np.mean(np.square(np.concatenate(tally.residual))))
    correlations = products / np.maximum(counts, 1.0) / (variance or 1.0)
    statistic = float((counts * np.square(correlations)).sum())
    largest = float(correlations[np.argmax(np.abs(correlations))])
    threshold = rare_chi_square(len(LAGS))
    told = f"neighbouring residuals correlate by {largest:.2f}"
    passed = not (statistic > threshold and abs(largest) >= _CORRELATED)
    return Evidence("white noise", statistic, threshold, largest, _CORRELATED, passed, told)


def homogeneity(tally: Tally) -> Evidence:
    """Regress the squared residual on the fitted value and the local contrast (Breusch & Pagan 1979; White 1980)."""
    found = explained(tally.total, places("one"), places("fitted value", "f²", "v", "s"), SQUARE, tally.count)
    told = f"brightness and contrast explain {100 * max(found.share, 0):.2g} % of the squared residual's variance"
    passed = not (found.significant and found.share >= _UNEVEN)
    return Evidence("even noise", found.statistic, found.threshold, found.share, _UNEVEN, passed, told)


def jpeg_blocks(tally: Tally) -> Evidence:
    """Look for JPEG's blocks: whether neighbours' residuals agree in sign differently at one place in eight.

    What JPEG takes away is a sum of cosines within each 8x8 block, and independent between blocks (compare Fan &
    de Queiroz 2003). Both directions must show it.
    """
    agreeing, pairs = tally.agreements
    shares = agreeing / np.maximum(pairs, 1.0)
    moved = np.abs(shares - np.median(shares, axis=1, keepdims=True))
    worst = moved.argmax(axis=1)
    effect = float(moved.max(axis=1).min())
    errors = 1.0 / np.sqrt(np.maximum(pairs[[0, 1], worst], 1.0))
    statistic = float((moved.max(axis=1) / errors).min())
    told = f"neighbours agree in sign differently at one place in eight, by {effect:.2f}: blocks of 8x8 as JPEG's"
    passed = not (statistic > RARE and effect >= _BLOCKED)
    return Evidence("JPEG blocks", statistic, RARE, effect, _BLOCKED, passed, told)
