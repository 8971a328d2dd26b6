"""What asking a program showed, in a few lines: how it was asked, each test, the border, channels and precision."""

from collections.abc import Iterable

from convkit.experiment.record import PhaseBlock, ProbeBlock, ResizerBlock
from convkit.report.identity import lined_up
from convkit.report.messages import printable
from convkit.report.numbers import compact

# Of a resizer's phases on an axis, so many are shown.
_MOST_PHASES = 6


def probe_lines(probe: ProbeBlock) -> list[str]:
    """Return how a program was asked and what the tests made on it told, a subject a line."""
    return lined_up(probe_facts(probe))


def probe_facts(probe: ProbeBlock) -> dict[str, str]:
    """Return how a program was asked and what the tests made on it told, by subject."""
    height, width = probe.shape
    mean, amplitude = probe.contrast
    times = f"{probe.pictures} times " if probe.pictures > 1 else ""
    told = {
        "asked": f"{times}on {height}x{width} pixels of two levels, {compact(mean - amplitude, 3)} and "
        f"{compact(mean + amplitude, 3)}; {probe.runs} runs in all",
        **{test.name: ("" if test.passed else "FAILED: ") + test.told for test in probe.tests},
        "rim picture": probe.border.told if probe.border is not None and probe.border.candidates else None,
        "channels": probe.mixing_told,
        "precision": probe.precision_told,
        "kept in": printable(probe.folder) if probe.folder is not None else None,
    }
    return {subject: text for subject, text in told.items() if text}


def resizer_lines(resizer: ResizerBlock, phases: list[PhaseBlock]) -> list[str]:
    """Return what a resizer is: its ratio, its names, and each phase's weights down the rows and along them."""
    names = "; or ".join(resizer.names[:4])
    if resizer.nearest is not None:
        off = compact(resizer.nearest_difference, 2)
        names = f"no known resizer; the nearest, {resizer.nearest}, has taps that differ by up to {off}"
    ratios = [f"{p} pixels to {q}" for p, q in zip(resizer.steps, resizer.outputs, strict=True)]
    told = ratios[0] if ratios[0] == ratios[1] else f"{ratios[0]} down, {ratios[1]} along"
    lines = [f"resizer   {told}: {names}"]
    for one in phases:
        down, along = one.kernel.learned.sum(axis=1), one.kernel.learned.sum(axis=0)
        lines.append(
            f"phase {one.phase}, first tap at {one.offset}, {one.fit.verdict}: "
            f"down {_weights(down)}; along {_weights(along)}"
        )
    for subject, axis in (("down", resizer.down), ("along", resizer.along)):
        lines += [
            f"{subject}, phase {at.phase}, first tap at {at.offset}: {_weights(at.taps)}" for at in axis[:_MOST_PHASES]
        ]
        if len(axis) > _MOST_PHASES:
            lines.append(f"{subject}, {len(axis)} phases in all (--json has them)")
    return lines


def _weights(values: Iterable[float]) -> str:
    return " ".join(f"{value:.4f}" for value in values)
