"""What `convkit compare --group` shows: one row a group."""

from rich.table import Table

from convkit.experiment.grouping import Group
from convkit.report.columns import Column, table_of, told
from convkit.report.numbers import compact


def group_table(groups: list[Group], *, only_changed: bool) -> Table:
    """Lay out groups, one a row."""
    return table_of(group_columns(groups), only_changed=only_changed)


def group_columns(groups: list[Group]) -> list[Column]:
    """Return what there is to say of groups: settings, a statistic of their runs with its spread, efficiency."""
    stat = groups[0].stat
    columns = [Column(key, [told(group.settings[key]) for group in groups], words=True) for key in groups[0].settings]
    columns += [
        Column("runs", [str(group.runs) for group in groups]),
        Column("failed", [str(group.failed) for group in groups]),
        Column(f"{stat} final loss", [compact(group.final_loss, 4) for group in groups]),
        Column("±", [compact(group.final_loss_spread, 2) for group in groups]),
        Column(f"{stat} max tap error", [compact(group.max_abs_error, 3) for group in groups]),
        Column("±", [compact(group.max_abs_error_spread, 2) for group in groups]),
        Column("steps", [compact(group.steps) for group in groups]),
        Column("seconds", [compact(group.seconds, 3) for group in groups]),
        Column("efficiency", [compact(group.efficiency, 3) for group in groups]),
    ]
    return columns
