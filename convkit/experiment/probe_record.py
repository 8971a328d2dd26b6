"""What asking a program adds to the record of a recovery: the tests made on it, and what they make of the verdict."""

from convkit.experiment.blocks import border_block
from convkit.experiment.probing import Probed
from convkit.experiment.record import EvidenceBlock, ProbeBlock, Recovery


def with_probe(record: Recovery, probed: Probed) -> Recovery:
    """Return the record of a program's answers with what its tests told."""
    verdict, reason = probed.judged(record.fit.verdict, record.fit.reason)
    fit = record.fit.model_copy(update={"verdict": verdict, "reason": reason})
    return record.model_copy(update={"fit": fit, "probe": _block(record, probed)})


def _block(record: Recovery, probed: Probed) -> ProbeBlock:
    mixing = probed.mixing
    return ProbeBlock(
        program=str(record.experiment["program"]),
        probe_format=record.experiment["probe_format"],
        runs=probed.runs,
        pictures=probed.pictures,
        shape=probed.shape,
        contrast=(probed.contrast.mean, probed.contrast.amplitude),
        noise=probed.noise,
        tests=[EvidenceBlock.taken_from(test) for test in probed.tests],
        border=border_block(probed.border) if probed.border is not None else None,
        mixing=mixing.weights if mixing is not None else None,
        mixing_told=mixing.told if mixing is not None else None,
        precision=probed.precision,
        precision_told=probed.precision_told,
        folder=probed.folder,
    )
