"""The real command: what goes to stdout and stderr, and how it ends."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

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
    assert {"learned", "true", "standard_error", "max_abs_error", "name"} <= set(record["kernel"])
    assert record["kernel"]["true"] == [[1.0, -1.0]]
    assert set(record["bias"]) == {"learned", "true", "standard_error"}
    assert [entry["step"] for entry in record["losses"]] == [1, 2, 3]
    assert record["status"] == "max-steps"
    assert record["steps"] == 3
    assert {"used", "stable_below", "best"} <= set(record["learning_rate"])
    assert record["learning_rate"]["stable_below"] == pytest.approx(0.016089, abs=5e-7)
    assert record["learning_rate"]["best"] == pytest.approx(0.014673, abs=5e-7)
    assert {"identifiable", "rank", "parameters", "condition_number"} <= set(record["identifiability"])
    assert record["identifiability"]["rank"] == 3
    assert {"residual_rms", "rounding_rms", "r2", "saturated_fraction", "verdict"} <= set(record["fit"])
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
    assert (quiet.stdout, quiet.stderr, quiet.returncode) == ("3\n", "", 0)


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
    assert [run["settings"]["backend"] for run in record["runs"]] == ["naive", "conv2d", "gram"]
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


@pytest.mark.parametrize(
    "name", ["backends", "noise", "identifiability", "learning-rate", "noise-size-solver", "many-pairs"]
)
def test_every_comparison_configuration_runs_as_it_is(convkit, root, name: str) -> None:
    done = convkit("compare", root / f"configs/{name}.toml", "--json")
    assert done.returncode == 0, done.stderr
    runs = json.loads(done.stdout)["runs"]
    assert {run["status"] for run in runs} <= {"max-steps", "converged"}
    if name == "noise":
        errors = {n: [r["max_abs_error"] for r in runs if r["settings"]["noise"] == n] for n in (0.001, 0.1)}
        assert max(errors[0.001]) < min(errors[0.1])


def test_the_lessons_trap_is_told_first(convkit) -> None:
    done = convkit("learn-kernel", "--size", "3")
    assert done.returncode == 0
    head = "\n".join(done.stdout.splitlines()[:5])
    assert "NOT IDENTIFIABLE, rank 4 of 10: zero loss does not mean that the kernel was found" in head
    assert "only the column sums of the kernel are determined" in head
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith("(")]
    assert all(row[1] == "—" for row in rows)
    record = json.loads(convkit("learn-kernel", "--size", "3", "--json").stdout)
    assert record["fit"]["verdict"] == "not-identifiable"
    assert record["kernel"]["standard_error"] == [[None] * 3] * 3
    told = {
        name: record["identifiability"][name] for name in ("identifiable", "rank", "parameters", "condition_number")
    }
    assert told == {
        "identifiable": False, "rank": 4, "parameters": 10, "condition_number": None
    }  # fmt: skip
    assert convkit("learn-kernel", "--size", "3", "--expect", "1,-1", "--tolerance", "99", "-q").returncode == 1


def test_exact(convkit) -> None:
    done = convkit("learn-kernel", "--image", "noise", "--kernel", "sobel", "--solver", "exact", "--json")
    record = json.loads(done.stdout)
    assert record["status"] == "converged"
    assert record["steps"] == 0
    assert len(record["losses"]) == 1
    assert record["learning_rate"] is None
    assert record["backend"] == "gram"
    assert record["kernel"]["max_abs_error"] < 1e-13


def test_tol_stops_when_converged(convkit) -> None:
    arguments = ("learn-kernel", "--steps", "1000", "--json")
    record = json.loads(convkit(*arguments, "--tol", "1e-6").stdout)
    assert record["status"] == "converged"
    assert record["steps"] < 200
    assert record["exact"]["distance"] <= 1e-6
    assert (
        json.loads(convkit("learn-kernel", "--steps", "3", "--tol", "1e-6", "--json").stdout)["status"] == "max-steps"
    )


def test_no_torch_where_none_is_needed(tmp_path) -> None:
    script = (
        "import sys\nfrom convkit.cli.main import main\nsys.argv = ['convkit', 'learn-kernel', '-q']\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code\nassert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=tmp_path)


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_a_terminal_that_knows_only_ascii(convkit, encoding: str) -> None:
    done = convkit("kernels", "-q", env={"PYTHONIOENCODING": encoding})
    assert done.returncode == 0
    done = convkit("learn-kernel", "--size", "3", env={"PYTHONIOENCODING": encoding})
    assert done.returncode == 0, done.stderr


def test_whole_numbers_are_written_out(convkit) -> None:
    assert convkit("convolve", "1234567,1;16777217,1", "-k", "1", "-q").stdout.split() == [
        "1234567", "1", "16777217", "1"
    ]  # fmt: skip


def test_kernels_with_parameters_have_files_of_their_own(convkit, root, tmp_path) -> None:
    picture = root / "pictures/scene.png"
    for kernel in ("sobel-x", "sobel-y"):
        assert convkit("convolve", picture, "-k", kernel, "-q").returncode == 0
    assert {entry.name for entry in tmp_path.iterdir()} == {"scene.sobel.png", "scene.sobel-angle=90.png"}


def test_an_expected_kernel_in_a_comparison(convkit) -> None:
    done = convkit("compare", "--expect", "3,-1", "--vary", "seed=0:2")
    assert done.returncode == 1
    assert done.stdout.count(" NO") == 2


def test_a_varied_target_has_no_invented_truth(convkit, tmp_path) -> None:
    image = np.random.default_rng(0).random((9, 9))
    np.save(tmp_path / "x.npy", image)
    np.save(tmp_path / "a.npy", 2 * image[:, :-1] + 3 * image[:, 1:])
    done = convkit(
        "compare", "--image", "x.npy", "--size", "1x2", "--vary", "target=a.npy", "--solver", "exact", "--json"
    )
    (run,) = json.loads(done.stdout)["runs"]
    np.testing.assert_allclose(run["kernel"], [[2, 3]])
    assert run["true"] is None


def test_a_torn_last_line_is_left_out_when_read_and_mended_when_written(convkit, tmp_path) -> None:
    arguments = ("compare", "--vary", "seed=0:3", "--save", "runs.jsonl")
    assert convkit(*arguments, "-q").returncode == 0
    whole = (tmp_path / "runs.jsonl").read_text()
    (tmp_path / "runs.jsonl").write_text(whole[:-40])
    done = convkit("compare", "runs.jsonl", "--json")
    assert "cut short, and left out" in done.stderr
    assert len(json.loads(done.stdout)["runs"]) == 2
    again = convkit(*arguments)
    assert again.returncode == 0
    assert "cut short, and is taken away" in again.stderr
    assert (tmp_path / "runs.jsonl").read_text().splitlines()[:2] == whole.splitlines()[:2]
    assert len((tmp_path / "runs.jsonl").read_text().splitlines()) == 3


def test_a_dry_run_says_what_it_does_not_write(convkit, tmp_path) -> None:
    asked = ("compare", "--dry-run", "--report", "page.html", "--export", "rows.csv")
    assert convkit(*asked).stderr == "a dry run writes nothing: not rows.csv nor page.html\n"
    assert convkit(*asked, "-q").stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_tells_and_does_nothing(convkit, tmp_path) -> None:
    arguments = ("compare", "--vary", "seed=0:4", "--vary", "noise=0 0.1", "--save", "runs.jsonl", "--dry-run")
    done = convkit(*arguments)
    assert done.stdout.startswith("8 runs, 0 done, 8 left\nfirst of these:\n")
    record = json.loads(convkit(*arguments, "--json").stdout)
    assert (record["schema"], record["runs"], record["done"], record["left"]) == ("convkit.plan/1", 8, 0, 8)
    assert record["next"] == [{"seed": 0, "noise": 0.0}, {"seed": 0, "noise": 0.1}, {"seed": 1, "noise": 0.0}]
    assert list(tmp_path.iterdir()) == []


def test_groups_on_screen_in_json_and_in_csv(convkit, tmp_path) -> None:
    arguments = ("compare", "--vary", "seed=0:5", "--vary", "noise=0.2 0.1", "--solver", "exact")
    shown = convkit(*arguments, "--save", "runs.jsonl", "--group", "noise", "--sort", "noise")
    assert "median max tap error" in shown.stdout
    assert "efficiency" in shown.stdout
    assert [line.split()[:2] for line in shown.stdout.splitlines()[1:3]] == [["0.1", "5"], ["0.2", "5"]]
    again = convkit("compare", "runs.jsonl", "--group", "noise", "--stat", "max", "--json", "--export", "out.csv")
    record = json.loads(again.stdout)
    assert [group["settings"] for group in record["groups"]] == [{"noise": 0.1}, {"noise": 0.2}]
    for group in record["groups"]:
        errors = [r["max_abs_error"] for r in record["runs"] if r["settings"]["noise"] == group["settings"]["noise"]]
        assert group["max_abs_error"] == max(errors)
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["efficiency"]) for row in rows] == [group["efficiency"] for group in record["groups"]]
    assert [row["noise"] for row in rows] == ["0.1", "0.2"]


def test_only_changed_hides_columns_that_are_all_alike(convkit) -> None:
    table = convkit("compare", "--vary", "seed=0 1", "--vary", "stride=1", "--steps", "3", "--only-changed").stdout
    head = table.splitlines()[0]
    assert "seed" in head
    assert "final loss" in head
    assert "stride" not in head
    assert "status" not in head


def test_exported_runs_hold_every_number_in_full(convkit, tmp_path) -> None:
    done = convkit("compare", "--vary", "kernel='1,-1' '2,0;0,1'", "--noise", "0.1", "--export", "out.csv", "--json")
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row, run in zip(rows, json.loads(done.stdout)["runs"], strict=True):
        assert (
            row["kernel"] == run["settings"]["kernel"]
            or [[float(tap) for tap in line.split(",")] for line in row["kernel"].split(";")] == run["kernel"]
        )
        assert float(row["final_loss"]) == run["final_loss"]


def test_closed_stdout_is_no_crash() -> None:
    for command in ("kernels", "learn-kernel"):
        reader, writer = os.pipe()
        os.close(reader)
        with os.fdopen(writer, "w") as closed:
            done = subprocess.run(
                [sys.executable, "-m", "convkit", command],
                stdout=closed,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
        assert done.stderr == ""
        assert done.returncode not in (1, 2, 70)  # ended by the signal, as other programs are
    gone = subprocess.run(f"{sys.executable} -m convkit learn-kernel >&-", shell=True, capture_output=True, check=False)
    assert (gone.returncode, gone.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_on_stdout_is_no_bug() -> None:
    command = f"{sys.executable} -m convkit learn-kernel --json > /dev/full"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "No space left on device" in done.stderr
