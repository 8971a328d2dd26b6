"""What a resizer adds to the record of a recovery: its phases, their names, and the verdict on all of them."""

from typing import Any

import numpy as np

from convkit.errors import SettingsError
from convkit.experiment.align import anchored
from convkit.experiment.blocks import border_block, channel_block, expectation
from convkit.experiment.record import (
    AxisPhaseBlock,
    EvidenceBlock,
    FitBlock,
    KernelBlock,
    PhaseBlock,
    Recovery,
    ResizerBlock,
)
from convkit.experiment.resizing import Resized
from convkit.experiment.settings import Experiment, Transfer
from convkit.recovery.resizers import Separable, Side


def with_phases(record: Recovery, resized: Resized, experiment: Experiment) -> Recovery:
    """Return the record of a resizer's first output phase with those of all; one kernel for all has no phases.

    Raises
    ------
    SettingsError
        When a kernel is expected of a resizer that has several.
    """
    names = [found.name for found in resized.names]
    kernel, convention, told = record.kernel, record.convention, record.expectation
    separable, phases = resized.separable, []
    if separable is not None:
        kernel = _product(separable)
        if kernel is not None:
            offset = int(separable.rows.offsets[0]), int(separable.columns.offsets[0])
            convention = convention.model_copy(update={"padding": None, "offset": offset})
            told = expectation(experiment, kernel.learned, anchored, identifiable=True)
    else:
        phases = _phase_blocks(resized)
        kernel = kernel if len(phases) == 1 else None
    if kernel is None and experiment.expect is not None and not record.channels:
        raise SettingsError(
            expected="a resizer with one kernel, to be compared with the one of --expect",
            got=f"one with {resized.rows.phases}x{resized.columns.phases} output phases",
            hint="sizes in whole ratios such as 2 to 1, or no --expect",
        )
    if kernel is not None and names:
        kernel = kernel.model_copy(update={"name": names[0], "names": names})
    fit = _fit_block(record, resized)
    return record.model_copy(
        update={
            "kernel": kernel,
            "convention": convention,
            "expectation": told,
            "phases": phases,
            "resizer": _resizer_block(resized),
            "fit": fit,
            "border": border_block(resized.border),
            "support": record.support if separable is None else None,
        }
    )


def _fit_block(record: Recovery, resized: Resized) -> FitBlock:
    """Tell of all phases what the record tells of the first."""
    judgement, separable, light = resized.judgement, resized.separable, resized.light
    update: dict[str, Any] = {
        "verdict": str(judgement.verdict),
        "reason": judgement.reason,
        "evidence": [EvidenceBlock.taken_from(one) for one in judgement.evidence],
    }
    identities = [one.identity for _, one in resized.phases if one.identity is not None]
    if separable is not None:
        rms, level = separable.variance**0.5, resized.first.posed.recording.level
        levels = light.linear_levels if light is not None and light.used is Transfer.LINEAR else None
        update |= {"residual_rms": rms, "residual_levels": rms / level if level is not None else levels}
        update |= {"pixels": 0, "reproduced": 0, "ties": 0}
    elif identities and not resized.first.posed.inputs.linear:
        update["pixels"] = sum(one.pixels for one in identities)
        update["reproduced"] = sum(one.reproduced for one in identities)
        update["ties"] = sum(each.ties for one in identities for each in one.replays)
    return record.fit.model_copy(update=update)


def _phase_blocks(resized: Resized) -> list[PhaseBlock]:
    blocks = []
    for phase, found in resized.phases:
        channel = channel_block("", found, anchored)
        kernel = channel.kernel.model_copy(update={"name": None, "names": []})
        blocks.append(
            PhaseBlock(phase=phase, offset=found.posed.offset, kernel=kernel, bias=channel.bias, fit=channel.fit)
        )
    return blocks


def _resizer_block(resized: Resized) -> ResizerBlock:
    separable = resized.separable
    return ResizerBlock(
        steps=(resized.rows.steps, resized.columns.steps),
        outputs=(resized.rows.phases, resized.columns.phases),
        names=[found.name for found in resized.names],
        difference=resized.names[0].difference if resized.names else None,
        nearest=resized.nearest.name if resized.nearest is not None else None,
        nearest_difference=resized.nearest.difference if resized.nearest is not None else None,
        curve=list(resized.curve),
        down=_axis_blocks(separable.rows) if separable is not None else [],
        along=_axis_blocks(separable.columns) if separable is not None else [],
    )


def _axis_blocks(side: Side) -> list[AxisPhaseBlock]:
    return [
        AxisPhaseBlock(phase=int(phase), offset=int(offset), taps=taps.tolist(), standard_error=errors.tolist())
        for phase, offset, taps, errors in zip(side.phases, side.offsets, side.taps, side.errors, strict=True)
    ]


def _product(separable: Separable) -> KernelBlock | None:
    """Return the one kernel of a resizer with a single phase on either axis."""
    down, along = separable.rows, separable.columns
    if len(down.taps) > 1 or len(along.taps) > 1:
        return None
    column, row = down.taps[0], along.taps[0]
    variances = np.outer(down.errors[0] ** 2, row**2) + np.outer(column**2, along.errors[0] ** 2)
    return KernelBlock(
        learned=np.outer(column, row), true=None, standard_error=np.sqrt(variances), max_abs_error=None, name=None
    )
