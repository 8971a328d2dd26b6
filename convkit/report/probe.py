"""What asking a program showed, in a few lines: how it was asked, each test, the border, channels and precision."""

from convkit.experiment.record import PhaseBlock, ProbeBlock, ResizerBlock
from convkit.report.identity import lined_up
from convkit.report.messages import printable
from convkit.report.numbers import compact


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
    names = "; or ".join(resizer.names[:4]) or "no known resizer"
    lines = [f"resizer   {resizer.steps} pixels to {resizer.outputs}: {names}"]
    for one in phases:
        down, along = one.kernel.learned.sum(axis=1), one.kernel.learned.sum(axis=0)
        lines.append(
            f"phase {one.phase}, first tap at {one.offset}, {one.fit.verdict}: "
            f"down {' '.join(f'{value:.4f}' for value in down)}; along {' '.join(f'{value:.4f}' for value in along)}"
        )
    return lines
