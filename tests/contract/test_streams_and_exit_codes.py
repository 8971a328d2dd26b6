"""The real command: what goes to stdout and stderr, and how it ends."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest


def test_the_lesson(convkit) -> None:
    done = convkit("learn-kernel", "--kernel", "1,-1", "--steps", "40", "--lr", "0.01")
    assert done.returncode == 0
    assert done.stderr == ""
    steps = [line.split()[0] for line in done.stdout.splitlines() if line.split() and line.split()[0].isdigit()]
    assert steps == ["5", "10", "15", "20", "25", "30", "35", "40"]
    assert "(0,0)" in done.stdout
    assert "bias" in done.stdout


def test_the_lessons_configuration_is_the_lesson(convkit, root) -> None:
    by_file = json.loads(convkit("learn-kernel", "--config", root / "configs/lesson.toml", "--json").stdout)
    by_hand = json.loads(convkit("learn-kernel", "--kernel", "1,-1", "--steps", "40", "--lr", "0.01", "--json").stdout)
    for record in (by_file, by_hand):
        del record["seconds"]
    assert by_file == by_hand


def test_json_of_learn_kernel_has_every_promised_field(convkit) -> None:
    done = convkit("learn-kernel", "--steps", "3", "--json")
    record = json.loads(done.stdout, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))
    assert done.stdout.count("\n") == 1
    assert record["schema"] == "convkit.recovery/1"
    assert record["experiment"]["kernel"] == "1,-1"
    assert record["convention"] == {
        "operation": "cross-correlation", "padding": "valid", "stride": 1, "offset": [0, 0]
    }  # fmt: skip
    assert set(record["kernel"]) == {"learned", "true", "standard_error", "max_abs_error", "name"}
    assert record["kernel"]["true"] == [[1.0, -1.0]]
    assert set(record["bias"]) == {"learned", "true", "standard_error"}
    assert [entry["step"] for entry in record["losses"]] == [1, 2, 3]
    assert record["status"] == "max-steps"
    assert record["steps"] == 3
    assert set(record["learning_rate"]) == {"used", "stable_below", "best"}
    assert record["learning_rate"]["stable_below"] == pytest.approx(0.016089, rel=1e-3)
    assert set(record["identifiability"]) == {"identifiable", "rank", "parameters", "condition_number"}
    assert set(record["fit"]) == {"residual_rms", "rounding_rms", "r2", "saturated_fraction", "verdict"}
    assert {"version", "backend", "solver", "seconds"} <= set(record)


def test_same_seed_same_json_timings_aside(convkit) -> None:
    arguments = ("learn-kernel", "--image", "noise", "--kernel", "sobel", "--noise", "0.1", "--steps", "5", "--json")
    records = [json.loads(convkit(*arguments, "--seed", seed).stdout) for seed in ("7", "7", "8")]
    for record in records:
        del record["seconds"]
    assert records[0] == records[1]
    assert records[0]["kernel"] != records[2]["kernel"]


def test_json_of_convolve(convkit) -> None:
    record = json.loads(convkit("convolve", "2,1,0; 9,5,4", "--kernel", "0,1;2,3", "--json").stdout)
    assert record["schema"] == "convkit.convolution/1"
    assert record["values"] == [[34.0, 22.0]]
    assert record["output"] is None
    assert record["shape"] == [1, 2]
    assert record["minimum"] == 22.0
    assert record["maximum"] == 34.0
    assert record["clipped"] == 0
    assert record["map"] == "none"
    assert {"backend", "seconds", "convention"} <= set(record)


def test_numbers_go_to_stdout_and_talk_to_stderr(convkit) -> None:
    done = convkit("convolve", "2,1,0,2,3; 9,5,4,2,0; 2,3,4,5,6; 1,2,3,1,0; 0,4,4,2,8", "-k", "0,1;2,3")
    assert [[float(cell) for cell in line.split()] for line in done.stdout.splitlines()] == [
        [34, 22, 16, 7], [18, 22, 25, 28], [11, 17, 14, 8], [14, 23, 15, 28]
    ]  # fmt: skip
    assert "cross-correlation" in done.stderr
    quiet = convkit("convolve", "1,2", "-k", "1,1", "-q")
    assert (quiet.stdout, quiet.stderr, quiet.returncode) == ("", "", 0)


@pytest.mark.parametrize("kernel", [["--kernel", "-1,1"], ["--kernel=-1,1"], ["-k", "-1,1"], ["-k-1,1"]])
def test_a_leading_minus(convkit, kernel: list[str]) -> None:
    done = convkit("convolve", "1,5", *kernel)
    assert done.returncode == 0
    assert done.stdout.split() == ["4"]


def test_diverging_says_so_before_and_after_and_exits_1(convkit) -> None:
    done = convkit("learn-kernel", "--lr", "0.02", "--json")
    assert done.returncode == 1
    assert "beyond the limit 0.016089" in done.stderr
    assert json.loads(done.stdout)["status"] == "diverged"
    assert convkit("learn-kernel", "--lr", "0.02", "-q").stdout == ""


def test_expect(convkit) -> None:
    arguments = ("learn-kernel", "--solver", "lbfgs", "--json")
    met = convkit(*arguments, "--expect", "1,-1", "--tolerance", "1e-3")
    assert met.returncode == 0
    assert json.loads(met.stdout)["expectation"]["met"] is True
    missed = convkit(*arguments, "--expect", "1,-0.9", "--tolerance", "1e-3")
    assert missed.returncode == 1
    assert json.loads(missed.stdout)["expectation"]["max_abs_difference"] == pytest.approx(0.1, abs=1e-3)


def test_compare_without_arguments_sets_the_backends_side_by_side(convkit) -> None:
    record = json.loads(convkit("compare", "--json").stdout)
    assert record["schema"] == "convkit.comparison/1"
    assert [run["settings"] for run in record["runs"]] == [{"backend": "naive"}, {"backend": "conv2d"}]
    assert record["largest_difference"] < 1e-10
    for run in record["runs"]:
        assert {"status", "final_loss", "max_abs_error", "steps", "seconds", "kernel"} <= set(run)
    table = convkit("compare").stdout
    for word in ("final loss", "max tap error", "speed", "naive", "conv2d", "true", "largest tap difference"):
        assert word in table


def test_compare_grids_are_saved_read_and_sorted(convkit, tmp_path) -> None:
    arguments = ("compare", "--vary", "noise=0 0.1", "--vary", "seed=0:2", "--steps", "5", "--save", "runs.jsonl")
    first = json.loads(convkit(*arguments, "--json").stdout)
    assert first["vary"] == {"noise": [0.0, 0.1], "seed": [0, 1]}
    assert first["largest_difference"] is None
    lines = [json.loads(line) for line in (tmp_path / "runs.jsonl").read_text().splitlines()]
    assert [line["settings"] for line in lines] == [run["settings"] for run in first["runs"]]
    assert {line["schema"] for line in lines} == {"convkit.run/1"}
    again = json.loads(convkit("compare", "runs.jsonl", "--sort", "final_loss", "--json").stdout)
    losses = [run["final_loss"] for run in again["runs"]]
    assert losses == sorted(losses)
    assert len(losses) == 4


def test_compare_tolerance(convkit, tmp_path) -> None:
    arguments = ("compare", "--vary", "backend=naive conv2d", "--image", "noise:size=12", "--kernel", "sobel")
    assert convkit(*arguments, "--tolerance", "1e-9").returncode == 0
    assert convkit(*arguments, "--dtype", "float32", "--tolerance", "0").returncode in (0, 1)
    nothing_to_hold = convkit("compare", "--vary", "seed=0 1", "--tolerance", "1e-9")
    assert nothing_to_hold.returncode == 2
    assert "several backends" in nothing_to_hold.stderr


def test_a_failed_run_of_a_grid_is_a_record_and_exits_1(convkit) -> None:
    done = convkit("compare", "--vary", "size=1x2 9", "--steps", "2", "--json")
    assert done.returncode == 1
    assert [run["status"] for run in json.loads(done.stdout)["runs"]] == ["max-steps", "failed"]


def test_pipes_in_and_out(convkit, root, tmp_path) -> None:
    picture = (root / "pictures/scene.png").read_bytes()
    through = convkit("convolve", "-", "-k", "box:3", "-o", "-", "-q", text=False, input=picture)
    assert through.stdout.startswith(b"\x89PNG")
    numbers = convkit("convolve", "-", "-k", "1,1", "-o", "-", input="1,2,3\n4,5,6\n")
    assert numbers.stdout == "3,5\n9,11\n"
    csv = convkit("kernels", "sobel", "--to", "csv")
    (tmp_path / "k.csv").write_text(csv.stdout)
    assert convkit("convolve", "impulse:size=5", "-k", "k.csv", "-q", "--json").returncode == 0


def test_kernels_export_and_come_back(convkit, tmp_path) -> None:
    for form in ("npy", "csv", "vips", "json"):
        path = tmp_path / f"k.{form if form != 'vips' else 'mat'}"
        assert convkit("kernels", "gaussian:sigma=1.2,size=5", "--to", form, "-o", path.name).returncode == 0
        record = json.loads(convkit("kernels", f"./{path.name}", "--json").stdout)
        assert np.array(record["taps"]).sum() == pytest.approx(1.0, abs=1e-12)


def test_save_of_learn_kernel_feeds_convolve(convkit, tmp_path) -> None:
    for name in ("found.json", "found.npy", "found.csv"):
        assert convkit("learn-kernel", "--solver", "lbfgs", "--save", name, "-q").returncode == 0
        done = convkit("convolve", "edges", "-k", name, "--json")
        np.testing.assert_allclose(json.loads(done.stdout)["values"], [[0, 0, 1, 0, 0, 0, -1]] * 6, atol=1e-4)


def test_environment_beats_file_and_flag_beats_both(convkit, tmp_path) -> None:
    (tmp_path / "e.toml").write_text("seed = 1\nsteps = 2\n")

    def seed(*arguments: str, **environment: str) -> int:
        done = convkit("learn-kernel", "--config", "e.toml", "--json", *arguments, env=environment)
        return json.loads(done.stdout)["experiment"]["seed"]

    assert seed() == 1
    assert seed(CONVKIT_SEED="2") == 2
    assert seed("--seed", "3", CONVKIT_SEED="2") == 3


@pytest.mark.parametrize("name", ["lesson", "photo-blur"])
def test_every_recovery_configuration_runs_as_it_is(convkit, root, name: str) -> None:
    done = convkit("learn-kernel", "--config", root / f"configs/{name}.toml", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["kernel"]["max_abs_error"] < 0.1


@pytest.mark.parametrize("name", ["backends", "noise"])
def test_every_comparison_configuration_runs_as_it_is(convkit, root, name: str) -> None:
    done = convkit("compare", root / f"configs/{name}.toml", "--json")
    assert done.returncode == 0, done.stderr
    runs = json.loads(done.stdout)["runs"]
    assert {run["status"] for run in runs} == {"max-steps"}
    if name == "noise":
        errors = {n: [r["max_abs_error"] for r in runs if r["settings"]["noise"] == n] for n in (0.001, 0.1)}
        assert max(errors[0.001]) < min(errors[0.1])


def test_closed_stdout_is_no_crash() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "convkit", "kernels"], stdout=closed, stderr=subprocess.PIPE, text=True, check=False
        )
    assert "Traceback" not in done.stderr
    assert "bug" not in done.stderr
