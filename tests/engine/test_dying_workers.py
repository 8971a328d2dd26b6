"""Workers that are killed in the middle of the work: the tests' own, and none else."""

import operator
import os
import signal
import time
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import pytest

from convkit import NormalEquations
from convkit.engine import Engine, EngineLostError, open_engine
from convkit.engine.serial import SerialEngine


@pytest.fixture
def two_workers() -> Iterator[Engine]:
    engine = open_engine(jobs=2)
    yield engine
    engine.close()


def test_a_map_is_complete_after_a_worker_was_killed(two_workers: Engine, tmp_path: Path) -> None:
    def work(i: int) -> int:
        if i == 70 and not (tmp_path / "killed").exists():
            (tmp_path / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return i * i

    outcomes = list(two_workers.map_unordered(work, range(200)))
    assert sorted((outcome.index, outcome.value) for outcome in outcomes) == [(i, i * i) for i in range(200)]
    assert (tmp_path / "killed").exists()
    assert all(outcome.error is None for outcome in outcomes)


def test_sums_have_the_same_bits_after_a_worker_was_killed(two_workers: Engine, tmp_path: Path) -> None:
    image = np.random.default_rng(3).random((246, 61))

    def work(tile: int, *, deadly: bool = True) -> NormalEquations:
        if deadly and tile == 13 and not (tmp_path / "killed").exists():
            (tmp_path / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        band = image[10 * tile : 10 * tile + 12]
        return NormalEquations.of(band, np.sin(band[1:-1, 1:-1]), (3, 3))

    found = two_workers.tree_reduce(work, range(24), operator.add)
    alone = SerialEngine().tree_reduce(lambda tile: work(tile, deadly=False), range(24), operator.add)
    assert (tmp_path / "killed").exists()
    assert found.moments.tobytes() == alone.moments.tobytes()


def test_an_item_that_kills_its_worker_every_time_comes_to_an_error_and_its_neighbours_do_not(
    two_workers: Engine,
) -> None:
    def work(i: int) -> int:
        if i == 11:
            os.kill(os.getpid(), signal.SIGKILL)
        return -i

    outcomes = {outcome.index: outcome for outcome in two_workers.map_unordered(work, range(40))}
    assert outcomes.pop(11).error == "its worker died each time that it ran: out of memory, or a crash"
    assert {i: outcome.value for i, outcome in outcomes.items()} == {i: -i for i in range(40) if i != 11}


def test_a_tree_with_an_item_that_kills_its_worker_every_time_ends(two_workers: Engine) -> None:
    def work(i: int) -> int:
        if i == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return i

    with pytest.raises(EngineLostError, match="one under which several workers died"):
        two_workers.tree_reduce(work, range(4), operator.add)


def test_it_closes_while_processes_are_started_in_place_of_dead_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = open_engine(jobs=2)
    start = BaseProcess.start
    began: list[BaseProcess] = []

    def start_slowly(process: BaseProcess) -> None:
        began.append(process)
        time.sleep(0.5)
        start(process)

    def work(i: int) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(BaseProcess, "start", start_slowly)
    with pytest.raises(EngineLostError):
        engine.tree_reduce(work, range(4), operator.add)
    engine.close()
    assert began
    assert not any(process.is_alive() for process in began)
