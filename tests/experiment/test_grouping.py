"""Statistics of groups, beside NumPy's, and the efficiency beside what theory says it is."""

import numpy as np
import pytest

from convkit import Comparison, ConvkitError, compare
from convkit.experiment.grouping import efficiency, group_runs
from convkit.experiment.runs import Run


def made(noise: float, seed: int, loss: float, status: str = "converged", **more: object) -> Run:
    return Run(settings={"noise": noise, "seed": seed}, status=status, final_loss=loss, max_abs_error=2 * loss, **more)


RUNS = [
    made(n, s, loss) for n, s, loss in [(1, 0, 4.0), (2, 0, 9.0), (1, 1, 1.0), (1, 2, 7.0), (2, 1, 3.0), (1, 3, 2.0)]
]


@pytest.mark.parametrize("stat", ["median", "mean", "min", "max"])
def test_statistics_are_numpys(stat: str) -> None:
    first, second = group_runs(RUNS, ["noise"], stat)
    for group, losses in ((first, [4.0, 1.0, 7.0, 2.0]), (second, [9.0, 3.0])):
        assert group.final_loss == pytest.approx(getattr(np, stat)(losses), rel=1e-15)
        assert group.max_abs_error == pytest.approx(2 * getattr(np, stat)(losses), rel=1e-15)
        assert group.final_loss_spread == pytest.approx(np.std(losses, ddof=1), rel=1e-14)
        assert group.runs == len(losses)


def test_what_failed_is_counted_and_left_out() -> None:
    broken = [made(1, 8, 1e9, "diverged"), Run(settings={"noise": 1, "seed": 9}, status="failed", error="no")]
    group = group_runs([*RUNS[:1], *broken], ["noise"])[0]
    assert (group.runs, group.failed, group.final_loss, group.final_loss_spread) == (1, 2, 4.0, None)
    nothing = group_runs(broken, ["noise"])[0]
    assert (nothing.runs, nothing.final_loss, nothing.efficiency) == (0, None, None)


def test_groups_by_several_keys_and_by_none() -> None:
    assert [group.settings for group in group_runs(RUNS, ["noise", "seed"])] == [run.settings for run in RUNS]
    assert [group.runs for group in group_runs(RUNS, [])] == [6]


def test_what_cannot_be_grouped() -> None:
    with pytest.raises(ConvkitError, match="got 'nois'; try --group noise"):
        group_runs(RUNS, ["nois"])
    with pytest.raises(ConvkitError, match="got 'modus'"):
        group_runs(RUNS, ["noise"], "modus")


def grid(count: int, **settings: object) -> Comparison:
    defaults = {"image": "noise:size=12,mean=0", "kernel": "1,-1;2,0", "noise": 0.1}
    return compare(vary={"seed": list(range(count))}, **(defaults | settings))


def test_least_squares_is_efficient_and_an_unfinished_descent_is_not() -> None:
    count, taps = 400, 4
    exact = efficiency(grid(count, solver="exact").runs)
    # Four standard deviations of a variance estimated from so many numbers.
    assert exact == pytest.approx(1.0, abs=4 * np.sqrt(2 / ((count - 1) * taps)))
    assert efficiency(grid(50, steps=2).runs) < 0.5


def test_half_of_the_data_is_half_as_efficient() -> None:
    exact = grid(200, solver="exact").runs
    doubled = [run.model_copy(update={"kernel": run.true + np.sqrt(2) * (run.kernel - run.true)}) for run in exact]
    assert efficiency(doubled) == pytest.approx(efficiency(exact) / 2, rel=1e-12)


def test_kernels_that_differ_are_compared_with_their_own_truth() -> None:
    one = grid(30, solver="exact").runs
    other = grid(30, solver="exact", kernel="5,3;2,7").runs
    assert efficiency([*one, *other]) > 0.5


def test_kernels_of_several_sizes_are_taken_size_by_size() -> None:
    small, large = grid(30, solver="exact").runs, grid(30, solver="exact", size=3).runs
    one = large[0].model_copy(update={"kernel": large[0].kernel[:1], "standard_error": large[0].standard_error[:1]})
    seen, bound = np.zeros(2)
    for runs in (small, large):
        seen += np.var([run.kernel - run.true for run in runs], axis=0, ddof=1).sum()
        bound += np.mean([run.standard_error**2 for run in runs], axis=0).sum()
    assert efficiency([*small, one, *large]) == pytest.approx(bound / seen, rel=1e-12)


@pytest.mark.parametrize(
    "settings", [{"noise": 0.0, "solver": "exact"}, {"image": "edges"}], ids=["no noise", "not identifiable"]
)
def test_no_efficiency_where_it_means_nothing(settings: dict) -> None:
    runs = grid(3, **settings).runs
    assert efficiency(runs) is None
    assert efficiency(runs[:1]) is None
