"""Programs side by side: what each one's filter is, and their kernels laid on one pixel grid."""

from collections.abc import Iterable

from convkit.experiment import Comparison
from convkit.experiment.align import embed
from convkit.experiment.runs import Run
from convkit.report.columns import Column, expected_column, told
from convkit.report.numbers import compact

# Kernels are drawn on a grid of this many taps at most.
_MOST = 49


def program_columns(result: Comparison) -> list[Column]:
    """Return what each program's filter is: its verdict, kernel, rounding and border rule."""
    runs = result.runs
    linear = [_has_one_kernel(one) for one in runs]

    def of_linear(texts: Iterable[str | None]) -> list[str]:
        return [(text or "—") if known else "—" for text, known in zip(texts, linear, strict=True)]

    columns = [Column(key, [told(one.settings.get(key)) for one in runs], words=True) for key in result.vary]
    columns += [
        Column("verdict", [one.verdict or one.status for one in runs], words=True),
        Column("kernel", of_linear(one.name or one.properties for one in runs), words=True),
        Column("size", of_linear(_size(one) for one in runs), words=True),
        Column("rounding", of_linear(one.rounding for one in runs), words=True),
        Column("border", of_linear(one.border for one in runs), words=True),
    ]
    columns += expected_column([one.meets_expectation for one in runs])
    return [*columns, Column("seconds", [compact(one.seconds, 3) for one in runs])]


def _has_one_kernel(one: Run) -> bool:
    return one.kernel is not None and one.verdict not in ("not-linear", "not-identifiable")


def _size(one: Run) -> str | None:
    return "x".join(map(str, one.kernel.shape)) if one.kernel is not None else None


def short_names(programs: list[str]) -> list[str]:
    """Name programs by what tells their commands apart.

    Examples
    --------
    >>> short_names(["gm convert {input} -blur 0x1 {output}", "gm convert {input} -gaussian 0x1 {output}"])
    ['gm -blur', 'gm -gaussian']
    """
    words = [program.split() for program in programs]
    common = set.intersection(*(set(line) for line in words)) if len(words) > 1 else set()
    return [
        " ".join([line[0], *(word for word in line[1:] if word not in common and word not in ("{input}", "{output}"))])
        for line in words
    ]


def on_one_grid(result: Comparison) -> Comparison:
    """Lay the kernels found by their offsets on one grid, with zeros around, when that is small."""
    runs = [one for one in result.runs if _has_one_kernel(one) and one.offset is not None]
    if not runs:
        return result.model_copy(update={"runs": []})
    places = [(one.offset, one.kernel.shape) for one in runs if one.offset is not None and one.kernel is not None]
    first = [min(offset[axis] for offset, _ in places) for axis in (0, 1)]
    last = [max(offset[axis] + shape[axis] for offset, shape in places) for axis in (0, 1)]
    shape = last[0] - first[0], last[1] - first[1]
    if shape[0] * shape[1] > _MOST:
        return result.model_copy(update={"runs": []})
    laid = []
    for one in runs:
        assert one.kernel is not None  # chosen above
        assert one.offset is not None
        kernel = embed(one.kernel, shape, (one.offset[0] - first[0], one.offset[1] - first[1]))
        laid.append(one.model_copy(update={"kernel": kernel, "standard_error": None}))
    return result.model_copy(update={"runs": laid})
