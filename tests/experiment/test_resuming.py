"""The record on disk: what is in it is not done again, and it is never half a line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from convkit import ConvkitError, Experiment, compare
from convkit.experiment.comparison import read_runs
from convkit.experiment.keys import canonical, run_key
from convkit.experiment.run_grid import plan
from convkit.experiment.runs_file import RunsFile

GRID = {"noise": [0.0, 0.1], "seed": [0, 1, 2]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.jsonl"


def ran(path: Path, vary: dict = GRID, **options: object) -> list[dict]:
    """Run a grid into a file; return the settings of the runs that were done now."""
    now: list[dict] = []
    compare(Experiment(steps=2), vary=vary, save=path, on_run=lambda run: now.append(run.settings), **options)
    return now


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_same_command_does_only_what_is_missing(path: Path) -> None:
    assert len(ran(path, {"noise": [0.0], "seed": [1, 2]})) == 2
    assert ran(path) == [{"noise": 0.0, "seed": 0}, *({"noise": 0.1, "seed": seed} for seed in (0, 1, 2))]
    before = path.read_bytes()
    assert ran(path) == []
    assert path.read_bytes() == before


def test_a_grid_may_grow_by_an_axis(path: Path) -> None:
    ran(path, {"seed": [0, 1]})
    assert ran(path, {"seed": [0, 1], "solver": ["gd", "exact"]}) == [
        {"seed": 0, "solver": "exact"}, {"seed": 1, "solver": "exact"}
    ]  # fmt: skip
    assert read_runs(path).vary == {"seed": [0, 1], "solver": ["gd", "exact"]}


def test_runs_from_a_file_equal_those_just_done_and_come_in_the_grids_order(path: Path) -> None:
    ran(path, {"noise": [0.1], "seed": [2]})
    mixed = compare(Experiment(steps=2), vary=GRID, save=path)
    alone = compare(Experiment(steps=2), vary=GRID)
    for theirs in (mixed, read_runs(path)):
        assert [run.settings for run in theirs.runs] == [run.settings for run in alone.runs]
        for a, b in zip(alone.runs, theirs.runs, strict=True):
            assert a.kernel.tobytes() == b.kernel.tobytes()
            assert a.standard_error.tobytes() == b.standard_error.tobytes()
            assert (a.final_loss, a.bias, a.status) == (b.final_loss, b.bias, b.status)


@pytest.mark.parametrize("cut", [1, 40, 700])
def test_a_torn_last_line_is_mended_and_its_run_done_again(path: Path, cut: int) -> None:
    ran(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    said: list[str] = []
    assert ran(path, announce=said.append) == [{"noise": 0.1, "seed": 2}]
    assert said == [f"the last line of {str(path)!r} was cut short, and is taken away"]
    assert [line["key"] for line in lines(path)] == [json.loads(line)["key"] for line in whole.splitlines()]


def test_a_file_of_half_a_line_starts_over(path: Path) -> None:
    ran(path)
    path.write_bytes(path.read_bytes()[:100])
    assert len(ran(path)) == 6


def test_fresh_starts_anew_but_not_before_a_run_has_ended(path: Path) -> None:
    ran(path)
    before = path.read_bytes()
    with pytest.raises(ConvkitError, match="nope"):
        ran(path, {"image": ["nope.png"]}, fresh=True)
    assert path.read_bytes() == before
    assert len(ran(path, {"seed": [0]}, fresh=True)) == 1
    assert len(lines(path)) == 1


def test_failed_runs_are_records_that_are_tried_again_on_request(path: Path) -> None:
    vary = {"size": ["1x2", "9"]}
    assert [run["size"] for run in ran(path, vary)] == [[1, 2], [9, 9]]
    assert [line["status"] for line in lines(path)] == ["max-steps", "failed"]
    assert "no larger than the image" in lines(path)[1]["error"]
    assert ran(path, vary) == []
    assert ran(path, vary, retry_failed=True) == [{"size": [9, 9]}]
    assert len(lines(path)) == 3
    result = read_runs(path)
    assert [run.status for run in result.runs] == ["max-steps", "failed"]  # the last of two attempts counts
    assert not result.worked


def test_fail_fast_stops_at_the_first_failure_and_keeps_it(path: Path) -> None:
    assert ran(path, {"size": ["9", "1x2"]}, fail_fast=True) == [{"size": [9, 9]}]
    assert [line["status"] for line in lines(path)] == ["failed"]


def test_other_base_settings_are_refused_with_the_difference(path: Path) -> None:
    ran(path)
    before = path.read_bytes()
    with pytest.raises(ConvkitError, match=r"steps 2 there and 3 here; lr 'auto' there and 0.01 here"):
        compare(Experiment(steps=3, lr=0.01), vary=GRID, save=path)
    with pytest.raises(ConvkitError, match="steps 2 there and 3 here"):
        plan(Experiment(steps=3), vary=GRID, save=path)
    assert path.read_bytes() == before


def test_another_schema_is_refused_and_told(path: Path) -> None:
    ran(path)
    path.write_bytes(path.read_bytes().replace(b"convkit.run/1", b"convkit.run/0"))
    with pytest.raises(ConvkitError, match=r"schema 'convkit.run/0' in line 1 of .*; try --fresh"):
        ran(path)
    assert len(ran(path, {"seed": [0]}, fresh=True)) == 1


@pytest.mark.parametrize("content", ["1,2\n3,4\n", "1,2", '{"a": 1}\n', "\x89PNG"])
@pytest.mark.parametrize("fresh", [False, True])
def test_no_other_file_is_ever_written_to(path: Path, content: str, fresh: bool) -> None:
    path.write_text(content)
    with pytest.raises(ConvkitError, match="something else in line 1"):
        ran(path, fresh=fresh)
    assert path.read_text() == content


def test_a_damaged_line_in_the_middle_is_refused(path: Path) -> None:
    ran(path)
    damaged = path.read_bytes().splitlines(keepends=True)
    damaged[2] = damaged[2][:50] + b"\n"
    path.write_bytes(b"".join(damaged))
    with pytest.raises(ConvkitError, match="line 3"):
        ran(path)


def test_the_second_command_on_a_file_says_so(path: Path) -> None:
    ran(path)
    with RunsFile.open(path):
        with pytest.raises(ConvkitError, match="which another one has locked"):
            ran(path)
        assert len(read_runs(path).runs) == 6  # but it may be read
    assert ran(path) == []


def test_a_comparison_that_cannot_run_leaves_no_file(path: Path) -> None:
    for vary in ({"image": ["nope.png"]}, {"steps": [0]}):
        with pytest.raises(ConvkitError):
            ran(path, vary)
    assert not path.exists()


def test_a_disk_that_fills_up_leaves_whole_lines(path: Path) -> None:
    script = (
        "import resource, signal, sys\nfrom convkit import Experiment, compare\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nresource.setrlimit(resource.RLIMIT_FSIZE, (2500, 2500))\n"
        f"compare(Experiment(steps=2), vary={GRID!r}, save={str(path)!r})"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert f"expected a file that can be written; got {str(path)!r} (File too large)" in done.stderr
    assert len(lines(path)) == 2
    assert len(ran(path)) == 4


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is write-protected for root")
def test_a_write_protected_file(path: Path) -> None:
    ran(path)
    path.chmod(0o400)
    with pytest.raises(ConvkitError, match="write-protected"):
        ran(path)


@pytest.mark.parametrize("place", ["no/such/runs.jsonl", "."])
def test_a_place_that_cannot_be_written(tmp_path: Path, place: str) -> None:
    with pytest.raises(ConvkitError, match="expected a f"):
        ran(tmp_path / place)


def test_keys_depend_on_settings_and_on_nothing_else() -> None:
    def key(**settings: object) -> str:
        return run_key(canonical(Experiment(**settings)))

    assert key(noise=0, size="3") == key(size=[3, 3], noise="0.0") == key(kernel="1,-1", size=3)
    different = {"noise": 0.1, "seed": 1, "solver": "exact", "kernel": "1,-2", "image": "noise", "backend": "conv2d"}
    assert len({key(), *(key(**{name: value}) for name, value in different.items())}) == 1 + len(different)
    big = np.zeros((30, 30))
    assert key(image=big) == key(image=big.copy()) != key(image=big + 1)


def test_a_plan_counts_and_does_nothing(path: Path) -> None:
    ran(path, {"noise": [0.0], "seed": [0, 1]})
    before = path.read_bytes()
    planned = plan(Experiment(steps=2), vary=GRID, save=path)
    assert (planned.total, len(planned.done), len(planned.left)) == (6, 2, 4)
    assert planned.first(1) == [{"noise": 0.0, "seed": 2}]
    assert path.read_bytes() == before


def test_progress_counts_what_was_done_before(path: Path) -> None:
    ran(path, {"noise": [0.0], "seed": [0, 1]})
    seen: list[tuple[int, int]] = []
    ran(path, on_progress=lambda *counts: seen.append(counts))
    assert seen == [(2, 6), (3, 6), (4, 6), (5, 6), (6, 6)]


def test_whatever_goes_wrong_in_one_run_is_its_record(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from convkit.experiment import task

    def run(experiment: Experiment, **options: object) -> object:
        if experiment.seed == 1:
            raise MemoryError("too large")
        return real(experiment, **options)

    real = task.run
    monkeypatch.setattr(task, "run", run)
    assert len(ran(path)) == 6
    assert [line["error"] for line in lines(path) if line["status"] == "failed"] == ["MemoryError: too large"] * 2


def test_notes_are_announced_once_each_and_only_the_first_few_of_many(path: Path) -> None:
    said: list[str] = []
    ran(path, {"lr": [9], "seed": [0, 1]}, announce=said.append)
    assert len(said) == 1
    assert said[0].startswith("the learning rate 9 is beyond the limit")
    assert [line["notes"] for line in lines(path)] == [said, said]
    said.clear()
    ran(path, {"lr": [10, 11, 12, 13, 14, 15], "seed": [0]}, announce=said.append)
    assert [sentence.split()[3] for sentence in said] == ["10", "11", "12", "of"]
