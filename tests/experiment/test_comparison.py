"""Grids: what is varied, what runs, and how runs are set side by side."""

import numpy as np
import pytest

from convkit import ConvkitError, Experiment, compare
from convkit.experiment.comparison import largest_difference, read_runs
from convkit.experiment.config import read_config
from convkit.experiment.vary import parse_vary, product, read_vary


def test_values_are_split_as_a_shell_would() -> None:
    assert parse_vary(["kernel='0,1; 2,3' sobel", "seed=-1:2 7", "log-every=1"]) == {
        "kernel": ["0,1; 2,3", "sobel"],
        "seed": [-1, 0, 1, "7"],
        "log_every": ["1"],
    }


def test_the_last_key_changes_fastest() -> None:
    grid = product({"seed": [0, 1], "noise": [0, 0.1]}, Experiment())
    assert grid == [{"seed": s, "noise": n} for s in (0, 1) for n in (0, 0.1)]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["noise"], "got 'noise'"),
        (["nois=1"], "got 'nois'; try noise"),
        (["noise="], "at least one value"),
        (["noise=0", "noise=1"], "'noise' twice"),
        (["kernel='1,2"], "closing every quote"),
        (["seed=0:9999999"], "at most 1000000 values"),
    ],
)
def test_what_cannot_be_varied(texts: list[str], message: str) -> None:
    with pytest.raises(ConvkitError, match=message):
        parse_vary(texts)


@pytest.mark.parametrize("table", [{"seed": 3}, {"seed": []}, {"sed": [1]}])
def test_tables_that_vary_nothing(table: dict) -> None:
    with pytest.raises(ConvkitError):
        read_vary(table)
    with pytest.raises(ConvkitError):
        compare(vary=table)


def test_difference_is_between_backends_and_nothing_else() -> None:
    assert compare(steps=3, vary={"backend": ["auto", "gram"]}).largest_difference is None
    assert compare(steps=3, vary={"seed": [0, 1]}).largest_difference is None
    grid = compare(steps=3, dtype="float64", vary={"backend": ["conv2d", "gram"], "seed": [0, 1]})
    assert 0 <= grid.largest_difference < 1e-12
    moved = [run.model_copy(update={"kernel": run.kernel + (run.settings["backend"] == "gram")}) for run in grid.runs]
    assert largest_difference(moved) == pytest.approx(1.0)


def test_runs_start_from_one_point() -> None:
    grid = compare(steps=1, lr=1e-12, vary={"solver": ["gd", "momentum"], "backend": ["gram", "conv2d"]})
    kernels = np.array([run.kernel for run in grid.runs])
    np.testing.assert_allclose(kernels, np.broadcast_to(kernels[0], kernels.shape), atol=1e-9)


def test_a_run_that_fails_is_a_record_and_all_failing_alike_is_an_error() -> None:
    seen = []
    grid = compare(steps=1, vary={"size": ["9", "1x2"]}, on_run=lambda run: seen.append(run.status))
    assert [run.status for run in grid.runs] == seen == ["failed", "max-steps"]
    assert "no larger than the image" in grid.runs[0].error
    assert not grid.worked
    with pytest.raises(ConvkitError, match="no larger than the image"):
        compare(steps=1, size=9, vary={"seed": [0, 1]})


def test_saved_runs_come_back(tmp_path) -> None:
    grid = compare(steps=2, vary={"size": ["1x2", "3"]}, save=tmp_path / "runs.jsonl")
    again = read_runs(tmp_path / "runs.jsonl")
    assert again.vary == {"size": [[1, 2], [3, 3]]}
    for mine, theirs in zip(grid.runs, again.runs, strict=True):
        np.testing.assert_array_equal(mine.kernel, theirs.kernel)
        assert mine.settings == theirs.settings


def test_files_named_by_a_configuration_are_looked_for_beside_it(tmp_path, monkeypatch) -> None:
    (tmp_path / "folder").mkdir()
    np.save(tmp_path / "folder" / "x.npy", np.eye(4))
    (tmp_path / "folder" / "e.toml").write_text('image = "x.npy"\nsteps = 1\n[vary]\nimage = ["x.npy", "edges"]\n')
    monkeypatch.chdir(tmp_path)
    config = read_config("folder/e.toml")
    assert config.settings["image"] == "folder/x.npy"
    assert config.vary == {"image": ["folder/x.npy", "edges"]}
