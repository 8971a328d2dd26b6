"""What `convkit compare --dry-run` tells: how many runs there are, what is done, and what comes first."""

from typing import Any

from convkit.experiment.run_grid import Plan
from convkit.report.columns import Column, table_of, told
from convkit.report.table import show

_FIRST = 3


def show_plan(plan: Plan) -> None:
    """Print a plan on stdout."""
    record = plan_record(plan)
    failed = f", {record['failed']} of them failed" if record["failed"] else ""
    print(f"{record['runs']} runs, {record['done']} done{failed}, {record['left']} left")
    if record["next"]:
        print("first of these:\n" if record["left"] > _FIRST else "these:\n")
        columns = [
            Column(key, [told(changes[key]) for changes in record["next"]], words=True) for key in record["next"][0]
        ]
        show(table_of(columns))


def plan_record(plan: Plan) -> dict[str, Any]:
    """Return a plan as plain JSON values."""
    return {
        "schema": "convkit.plan/1",
        "runs": plan.total,
        "done": len(plan.done),
        "failed": sum(one.status == "failed" for one in plan.done.values()),
        "left": len(plan.left),
        "next": plan.first(_FIRST),
    }
