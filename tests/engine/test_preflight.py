"""Clusters of somebody else: what is asked before the work, and what happens when they empty."""

import time

import pytest

from convkit import ConvkitError
from convkit.engine import EngineLostError, open_engine
from convkit.engine import dask as dask_engine
from convkit.engine.preflight import check_workers, reporter

HERE = reporter()() | {"OMP_NUM_THREADS": "1", "MALLOC_TRIM_THRESHOLD_": None}


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"numpy": "1.26.4"}, r"expected numpy .* on every worker, as here; got 1\.26\.4 on tcp://b"),
        ({"convkit": None}, "got none on tcp://b"),
        ({"python": "3.10"}, r"got 3\.10 on tcp://b"),
    ],
)
def test_workers_of_other_versions_are_refused(other: dict, message: str) -> None:
    assert check_workers({"tcp://a": HERE}) == []
    with pytest.raises(ConvkitError, match=message):
        check_workers({"tcp://a": HERE, "tcp://b": HERE | other})


def test_what_is_not_good_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    (threads,) = check_workers({"a": HERE, "b": HERE | {"OMP_NUM_THREADS": None}})
    assert threads.startswith("1 of 2 workers run BLAS in several threads")
    (allocator,) = check_workers({"a": HERE | {"MALLOC_TRIM_THRESHOLD_": "65536"}})
    assert "MALLOC_TRIM_THRESHOLD_=268435456" in allocator


def test_a_cluster_that_others_started(monkeypatch: pytest.MonkeyPatch) -> None:
    from distributed import LocalCluster

    monkeypatch.setattr(dask_engine, "_PATIENCE", 0.5)
    monkeypatch.setattr(dask_engine, "_COUNT", 0.1)
    monkeypatch.delenv("MALLOC_TRIM_THRESHOLD_", raising=False)  # another engine of these tests may be open
    said: list[str] = []
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0", host="127.0.0.1") as cluster:
        engine = open_engine(cluster=cluster.scheduler_address, announce=said.append)
        assert engine.tree_reduce(abs, [-1, -2], max) == 2
        assert len(said) == 1  # Dask's own setting of the allocator
        assert "workers give freed memory back at once" in said[0]
        outcomes = engine.map_unordered(time.sleep, [0.05] * 1000)
        next(outcomes)
        cluster.scale(0)
        with pytest.raises(EngineLostError, match="one without workers"):
            list(outcomes)
        engine.close()
        engine.close()


def test_a_worker_of_another_version_that_joins_later_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from distributed import LocalCluster

    monkeypatch.setattr(dask_engine, "_COUNT", 0.05)
    asked: list[set[str]] = []

    def check(reports: dict) -> list[str]:
        asked.append(set(reports))
        return check_workers({address: report | {"numpy": "1.26.4"} for address, report in reports.items()})

    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0", host="127.0.0.1") as cluster:
        engine = open_engine(cluster=cluster.scheduler_address)
        monkeypatch.setattr(dask_engine, "check_workers", check)
        outcomes = engine.map_unordered(time.sleep, [0.05] * 1000)
        next(outcomes)
        assert not asked
        cluster.scale(2)
        with pytest.raises(EngineLostError, match=r"1\.26\.4 on tcp://.*, which has just joined"):
            list(outcomes)
        assert [len(one) for one in asked] == [1]
        engine.close()
