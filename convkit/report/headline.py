"""What came out, in a sentence."""

import math

from convkit.experiment import Recovery
from convkit.report.numbers import compact


def headline(found: Recovery) -> str:
    """Say in a sentence what a recovery found.

    Examples
    --------
    >>> from convkit import learn_kernel
    >>> headline(learn_kernel(steps=40, lr=0.01))
    'Descent is within 0.00115 of the true kernel after 40 steps.'
    >>> headline(learn_kernel(size=3))
    'Not identifiable, rank 4 of 10: zero loss does not mean that the kernel was found.'
    """
    told = found.identifiability
    if not told.identifiable:
        return (
            f"Not identifiable, rank {told.rank} of {told.parameters}: "
            "zero loss does not mean that the kernel was found."
        )
    if found.status == "diverged":
        limit = found.learning_rate.stable_below if found.learning_rate is not None else None
        below = f": the learning rate must stay below {compact(limit, 3)}" if limit is not None else ""
        return f"Descent diverged after {found.steps} steps{below}."
    if found.fit.verdict is not None and found.fit.reason is not None:
        return _judged(found)
    steps = f"after {found.steps} step{'s' if found.steps != 1 else ''}"
    who, when = ("The exact answer", "") if found.learning_rate is None else ("Descent", f" {steps}")
    error = found.kernel.max_abs_error if found.kernel is not None else None
    if error is not None and math.isfinite(error):
        return f"{who} is within {compact(error, 3)} of the true kernel{when}."
    return f"{who} leaves a loss of {compact(found.final_loss, 3)}{when}."


def _judged(found: Recovery) -> str:
    """Tell the verdict on a given pair, and the name of the filter where it has one."""
    name = found.kernel.name if found.kernel is not None else None
    named = f" The kernel is {name}." if name is not None else ""
    return f"{str(found.fit.verdict).capitalize()}: {found.fit.reason}.{named}"
