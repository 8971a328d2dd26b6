"""The states of a descent: which are kept, and that they are those it went through."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convkit import Experiment, learn_kernel
from convkit.recovery import Parameters
from convkit.recovery.trajectory import MOST_STATES, Recorder


@given(st.integers(1, 3000), st.integers(2, 40))
def test_few_evenly_spread_states_are_kept_the_first_and_last_among_them(steps: int, most: int) -> None:
    recorder = Recorder(most)
    for step in range(1, steps + 1):
        recorder(step, float(step), Parameters(np.full((1, 2), float(step)), -float(step)))
    states = recorder.trajectory()
    kept = states.steps.tolist()
    assert kept[0] == 1
    assert kept[-1] == steps
    assert len(kept) <= most
    gaps = np.diff(kept)
    assert (gaps > 0).all()
    assert len(set(gaps[:-1].tolist())) <= 1
    assert steps <= most - 1 or len(kept) >= most // 2
    np.testing.assert_array_equal(states.losses, kept)
    np.testing.assert_array_equal(states.kernels[:, 0, 1], kept)
    np.testing.assert_array_equal(states.biases, np.negative(kept))


@pytest.mark.parametrize("solver", ["gd", "momentum", "adam", "lbfgs"])
@pytest.mark.parametrize("flip", [False, True])
def test_states_are_those_that_a_watcher_sees_and_the_one_that_is_returned(solver: str, flip: bool) -> None:
    seen: list[tuple[int, float, np.ndarray, float]] = []
    found = learn_kernel(
        kernel="1,-1,2", size=3, solver=solver, flip=flip, steps=12, keep_steps=True,
        watch=lambda step, loss, point: seen.append((step, loss, point.taps.copy(), point.bias)),
    )  # fmt: skip
    states = found.trajectory
    assert states.steps.tolist() == list(range(1, 14))
    for index, (step, loss, taps, bias) in enumerate(seen):
        assert states.steps[index] == step
        assert states.losses[index] == loss
        np.testing.assert_array_equal(states.kernels[index], taps)
        assert states.biases[index] == bias
    np.testing.assert_array_equal(states.kernels[-1], found.kernel.learned)
    assert states.biases[-1] == found.bias.learned
    assert states.losses[-1] == found.final_loss


def test_a_descent_that_diverged_ends_with_its_last_finite_state() -> None:
    found = learn_kernel(lr=0.02, keep_steps=True)
    assert found.status == "diverged"
    np.testing.assert_array_equal(found.trajectory.kernels[-1], found.kernel.learned)
    assert np.isfinite(found.trajectory.losses).all()


def test_long_descents_are_thinned_and_others_keep_nothing() -> None:
    found = learn_kernel(steps=5000, lr=0.01, keep_steps=True)
    assert len(found.trajectory) <= MOST_STATES
    assert found.trajectory.steps[[0, -1]].tolist() == [1, 5001]
    assert learn_kernel().trajectory is None
    assert learn_kernel(solver="exact", keep_steps=True).trajectory is None


def test_keeping_the_states_changes_nothing_else() -> None:
    plain, kept = (learn_kernel(image="noise", kernel="sobel", keep_steps=keep).to_dict() for keep in (False, True))
    del plain["seconds"], kept["seconds"]
    assert plain == kept
    assert not {"trajectory", "workings", "covariance"} & set(plain)
    assert set(plain["experiment"]) == set(Experiment.model_fields)
