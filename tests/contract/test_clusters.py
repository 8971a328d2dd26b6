"""Grids and sums on several processes: the real command, with workers, parents and schedulers that die under it.

Every process that is killed here was started here.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
import scipy.ndimage

# Runs of about 20 ms: long enough to be killed in the middle.
WORK = ("--image", "noise:size=300", "--kernel", "gaussian:sigma=2,size=9", "--noise", "0.1", "--steps", "20")
LESSON = ("--noise", "0.1", "--steps", "5")

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path, root: Path) -> Iterator[Start]:
    """Start commands of this Python in an empty folder; whatever is left of them at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def popen(module: str, *arguments: object, **environment: str) -> subprocess.Popen[str]:
        paths = [environment.pop("PYTHONPATH", ""), str(root)]
        process = subprocess.Popen(
            [sys.executable, "-m", module, *map(str, arguments)],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield popen
    for process in started:
        for one in [*family(process), process]:
            if one.is_running() if isinstance(one, psutil.Process) else one.poll() is None:
                one.kill()
        process.communicate()


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def workers(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return [child for child in family(process) if "spawn_main" in " ".join(arguments(child))]


def arguments(process: psutil.Process) -> list[str]:
    """The words that started a process; none when it has just ended, a helper of Python's for instance."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def called(worker: psutil.Process) -> bool:
    """Whether a worker has got in touch with its scheduler: besides its own port it has a connection."""
    try:
        return len(worker.net_connections("tcp")) > 1
    except psutil.Error:  # it has just ended
        return False


def gone(processes: list[psutil.Process], seconds: float) -> bool:
    """Whether processes end within so many seconds."""
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    return not [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]


def wait_for_lines(path: Path, count: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not path.exists() or path.read_bytes().count(b"\n") < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def results(text: str) -> dict[str, dict]:
    """Runs by key, without the time that they took."""
    runs = [json.loads(line) for line in text.splitlines()]
    assert len({run["key"] for run in runs}) == len(runs)
    return {run["key"]: {name: value for name, value in run.items() if name != "seconds"} for run in runs}


def serial(convkit, *arguments: object) -> dict[str, dict]:
    assert convkit("compare", *arguments, "--save", "serial.jsonl", "-q").returncode == 0
    return results((convkit.folder / "serial.jsonl").read_text())


@pytest.fixture
def convkit(convkit, tmp_path: Path):
    convkit.folder = tmp_path
    return convkit


def test_two_processes_find_what_one_does_bit_by_bit(convkit, tmp_path: Path) -> None:
    arguments = (*LESSON, "--vary", "seed=0:20", "--vary", "solver=gd exact")
    done = convkit("compare", *arguments, "--jobs", "2", "--save", "runs.jsonl", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert results((tmp_path / "runs.jsonl").read_text()) == serial(convkit, *arguments)
    seeds = [run["settings"]["seed"] for run in json.loads(done.stdout)["runs"]]
    assert seeds == sorted(seeds)


def test_an_interruption_keeps_what_is_done_and_leaves_no_process(start: Start, tmp_path: Path) -> None:
    process = start("convkit", "compare", *WORK, "--vary", "seed=0:5000", "--jobs", "2", "--save", "runs.jsonl")
    wait_for_lines(tmp_path / "runs.jsonl", 5, process)
    children = family(process)
    assert len(children) >= 2
    os.killpg(process.pid, signal.SIGINT)  # as a terminal sends it: to the parent and its workers
    stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stdout, stderr) == (130, "", "")
    assert gone(children, 5)
    assert len(results((tmp_path / "runs.jsonl").read_text())) >= 5


def test_a_second_command_on_the_same_file_says_so(start: Start, convkit, tmp_path: Path) -> None:
    process = start("convkit", "compare", *WORK, "--vary", "seed=0:5000", "--save", "runs.jsonl")
    wait_for_lines(tmp_path / "runs.jsonl", 1, process)
    second = convkit("compare", *WORK, "--vary", "seed=0:5000", "--save", "runs.jsonl")
    assert second.returncode == 2
    assert "'runs.jsonl', which another one has locked" in second.stderr
    assert convkit("compare", "runs.jsonl", "-q").returncode == 0  # it may be read meanwhile
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130


def test_without_dask_the_message_names_the_extra(convkit, tmp_path: Path) -> None:
    (tmp_path / "distributed.py").write_text("raise ImportError('not installed')\n")
    done = convkit("compare", "--vary", "seed=0:3", "--jobs", "2")
    assert done.returncode == 2
    assert "pip install 'convkit[cluster]'" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--jobs", "0"), "'0'"),
        (("--jobs", "two"), "'two'"),
        (("--jobs", "9999"), "'9999'"),
        (("--jobs", "2", "--cluster", "tcp://127.0.0.1:1"), "got both"),
        (("--cluster", "none.json"), "'none.json', which is neither"),
        (("--stat", "mean"), "--stat alone"),
        (("--group", "nois"), "try --group seed"),
        (("--group", "seed", "--stat", "modus"), "'modus'"),
        (("--export", "no/such/out.csv"), "no/such"),
    ],
)
def test_options_of_grids_that_mean_nothing(convkit, arguments: tuple[str, ...], message: str) -> None:
    done = convkit("compare", "--steps", "1", "--vary", "seed=0 1", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stdout == ""


@pytest.mark.slow  # each of these works for some seconds, so that there is a middle to be killed in
class TestProcessesThatDie:
    GRID = (*WORK, "--vary", "seed=0:200")

    def test_a_worker_is_killed(self, start: Start, convkit, tmp_path: Path) -> None:
        process = start("convkit", "compare", *self.GRID, "--jobs", "2", "--save", "runs.jsonl", "-q")
        wait_for_lines(tmp_path / "runs.jsonl", 20, process)
        workers(process)[0].kill()
        _, stderr = process.communicate(timeout=120)
        assert (process.returncode, stderr) == (0, "")
        found = results((tmp_path / "runs.jsonl").read_text())
        assert len(found) == 200
        assert found == serial(convkit, *self.GRID)

    def test_the_parent_is_killed(self, start: Start, convkit, tmp_path: Path) -> None:
        command = ("convkit", "compare", *self.GRID, "--jobs", "2", "--save", "runs.jsonl", "-q")
        process = start(*command)
        wait_for_lines(tmp_path / "runs.jsonl", 100, process)
        children = family(process)
        process.kill()
        assert gone(children, 5)
        before = (tmp_path / "runs.jsonl").read_text()
        assert before.count("\n") < 200
        again = start(*command)
        again.communicate(timeout=120)
        assert again.returncode == 0
        after = (tmp_path / "runs.jsonl").read_text()
        assert after.startswith(before[: before.rfind("\n") + 1])
        assert results(after) == serial(convkit, *self.GRID)

    def test_a_run_that_kills_its_worker_every_time(self, start: Start, convkit, tmp_path: Path) -> None:
        (tmp_path / "deadly").mkdir()
        (tmp_path / "deadly" / "sitecustomize.py").write_text(DEADLY)
        arguments = (*LESSON, "--vary", "seed=0:60", "--save", "runs.jsonl")
        process = start("convkit", "compare", *arguments, "--jobs", "2", "--json", PYTHONPATH=str(tmp_path / "deadly"))
        stdout, stderr = process.communicate(timeout=120)
        assert (process.returncode, stderr) == (1, "")
        failed = [run for run in json.loads(stdout)["runs"] if run["status"] == "failed"]
        assert [run["settings"] for run in failed] == [{"seed": 13}]
        assert "its worker died each time" in failed[0]["error"]
        retried = convkit("compare", *arguments, "--retry-failed")  # where nothing kills it, it works
        assert retried.returncode == 0
        runs = [json.loads(line) for line in (tmp_path / "runs.jsonl").read_text().splitlines()]
        assert len(runs) == 61
        assert {run["settings"]["seed"]: run["status"] for run in runs} == dict.fromkeys(range(60), "max-steps")

    def test_an_external_cluster_whose_workers_come_and_go(self, start: Start, convkit, tmp_path: Path) -> None:
        scheduler, address = started_scheduler(start, tmp_path)
        first, _ = start_worker(start, address), start_worker(start, address)
        process = start("convkit", "compare", *self.GRID, "--cluster", address, "--save", "runs.jsonl", "-q")
        wait_for_lines(tmp_path / "runs.jsonl", 20, process)
        first.kill()
        start_worker(start, address)
        _, stderr = process.communicate(timeout=120)
        assert (process.returncode, stderr) == (0, "")
        assert results((tmp_path / "runs.jsonl").read_text()) == serial(convkit, *self.GRID)
        assert scheduler.poll() is None  # it is not ours to stop

    def test_the_scheduler_goes_away(self, start: Start, convkit, tmp_path: Path) -> None:
        scheduler, address = started_scheduler(start, tmp_path)
        start_worker(start, address)
        arguments = ("compare", *self.GRID, "--save", "runs.jsonl", "-q")
        process = start("convkit", *arguments, "--cluster", tmp_path / "scheduler.json")
        wait_for_lines(tmp_path / "runs.jsonl", 20, process)
        scheduler.kill()
        _, stderr = process.communicate(timeout=60)
        assert process.returncode == 1
        assert stderr.splitlines() == [
            "convkit: expected a cluster that lasts to the end",
            "         got none any more: the connection was lost",
            "         try the same command again: what was saved by then is kept, and only the rest is done",
        ]
        before = (tmp_path / "runs.jsonl").read_text()
        assert 20 <= before.count("\n") < 200
        assert convkit(*arguments).returncode == 0  # the rest without a cluster
        after = (tmp_path / "runs.jsonl").read_text()
        assert after.startswith(before)
        assert results(after) == serial(convkit, *self.GRID)

    def test_workers_in_another_folder_find_the_files(self, start: Start, convkit, root: Path, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "photo.png").write_bytes((root / "pictures/scene.png").read_bytes())
        _, address = started_scheduler(start, tmp_path)
        start_worker(start, address, folder=tmp_path / "elsewhere")
        arguments = ("--image", "photo.png", "--kernel", "sobel", "--solver", "exact", "--vary", "noise=0.1 0.2")
        done = convkit("compare", *arguments, "--cluster", address, "--save", "runs.jsonl")
        assert (done.returncode, done.stderr) == (0, "")
        assert results((tmp_path / "runs.jsonl").read_text()) == serial(convkit, *arguments)

    def test_a_scheduler_without_workers_and_none_at_all(self, start: Start, convkit, tmp_path: Path) -> None:
        _, address = started_scheduler(start, tmp_path)
        empty = convkit("compare", "--vary", "seed=0 1", "--cluster", address)
        assert empty.returncode == 2
        assert "a scheduler with workers" in empty.stderr
        with socket.create_server(("127.0.0.1", 0)) as taken:
            nobody = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        silent = convkit("compare", "--vary", "seed=0 1", "--cluster", nobody)
        assert silent.returncode == 2
        assert "a Dask scheduler that answers" in silent.stderr


class TestOneProblem:
    """``learn-kernel`` over several pairs, whose sums are made elsewhere."""

    ARGUMENTS = ("learn-kernel", "--pairs", "pairs.csv", "--size", "7", "--json")

    @pytest.fixture(autouse=True)
    def pairs(self, tmp_path: Path, rng: np.random.Generator) -> None:
        kernel = rng.random((7, 7))
        with (tmp_path / "pairs.csv").open("w") as lines:
            for number in range(8):
                image = rng.random((600 + 10 * number, 700))
                np.save(tmp_path / f"x{number}.npy", image)
                noise = 0.01 * rng.standard_normal(image.shape)
                np.save(tmp_path / f"y{number}.npy", scipy.ndimage.correlate(image, kernel) + noise)
                lines.write(f"x{number}.npy,y{number}.npy\n")

    def test_a_worker_is_killed(self, start: Start, convkit) -> None:
        for delay in (0.2, 1.0, 5.0):
            process = start("convkit", *self.ARGUMENTS, "--jobs", "2")
            deadline = time.monotonic() + 60
            while not any(map(called, workers(process))):
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < deadline
                time.sleep(0.01)
            time.sleep(delay)
            workers(process)[0].kill()
            children = family(process)
            stdout, stderr = process.communicate(timeout=120)
            if "processes to start" not in stderr:  # on a busy machine, it had not begun
                break
        assert process.returncode == 0, stderr
        assert self.numbers(stdout) == self.numbers(convkit(*self.ARGUMENTS).stdout)
        assert gone(children, 5)

    def test_processes_that_are_killed_before_they_are_ready(self, start: Start) -> None:
        process = start("convkit", *self.ARGUMENTS, "--jobs", "2")
        deadline = time.monotonic() + 60
        while not workers(process):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        workers(process)[0].kill()
        _, stderr = process.communicate(timeout=120)
        assert process.returncode in (0, 1)  # 0: it was replaced in time
        assert process.returncode == 0 or "expected 2 processes to start" in stderr

    def test_somebody_elses_cluster_and_another_folder(self, start: Start, convkit, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        _, address = started_scheduler(start, tmp_path)
        start_worker(start, address, folder=tmp_path / "elsewhere")
        done = convkit(*self.ARGUMENTS, "--cluster", address)
        assert (done.returncode, done.stderr) == (0, "")
        assert self.numbers(done.stdout) == self.numbers(convkit(*self.ARGUMENTS).stdout)

    def test_the_scheduler_goes_away(self, start: Start, tmp_path: Path) -> None:
        scheduler, address = started_scheduler(start, tmp_path)
        # The only worker is stopped, so that the work cannot end before.
        worker = start_worker(start, address)
        process = start("convkit", *self.ARGUMENTS, "--cluster", address)
        scheduler_of = psutil.Process(scheduler.pid)
        deadline = time.monotonic() + 60
        while len(scheduler_of.net_connections("tcp")) < 3:  # listening, the worker, the command
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        worker.kill()
        scheduler.kill()
        _, stderr = process.communicate(timeout=60)
        assert process.returncode in (1, 2)  # lost, or never found to begin with
        assert "cluster" in stderr or "scheduler" in stderr
        assert "Traceback" not in stderr

    def test_options_that_mean_nothing_here(self, convkit) -> None:
        both = convkit(*self.ARGUMENTS, "--jobs", "2", "--cluster", "tcp://127.0.0.1:1")
        assert (both.returncode, "expected --jobs or --cluster" in both.stderr) == (2, True)
        program = convkit("learn-kernel", "--program", "cp {input} {output}", "--jobs", "2")
        assert program.returncode == 2
        assert "--jobs or --cluster for pairs of files" in program.stderr

    @staticmethod
    def numbers(text: str) -> dict:
        found = json.loads(text)
        return {key: value for key, value in found.items() if key != "seconds"}


DEADLY = """
import os, signal, sys

class Finder:
    def find_spec(self, name, path, target=None):
        if name == "convkit.experiment.task":
            sys.meta_path.remove(self)
            import convkit.experiment.learn as learn
            real = learn.run
            def run(experiment, **options):
                if experiment.seed == 13:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(experiment, **options)
            learn.run = run

sys.meta_path.insert(0, Finder())
"""


def started_scheduler(start: Start, folder: Path) -> tuple[subprocess.Popen[str], str]:
    """Start a scheduler as the README does, on a port that is free, and wait until it tells where it is."""
    file = folder / "scheduler.json"
    arguments = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", file)
    process = start("distributed.cli.dask_scheduler", *arguments)
    deadline = time.monotonic() + 30
    while not file.exists() or not file.read_text():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process, json.loads(file.read_text())["address"]


def start_worker(start: Start, address: str, folder: Path | None = None) -> subprocess.Popen[str]:
    """Start a worker without a nanny: one process, which is gone when it is killed."""
    code = "distributed.cli.dask_worker"
    allocator = {"MALLOC_TRIM_THRESHOLD_": str(2**28), "MALLOC_MMAP_THRESHOLD_": str(2**28), "OMP_NUM_THREADS": "1"}
    arguments = (address, "--nthreads", "1", "--no-nanny", "--no-dashboard")
    return start(code, *arguments, *(("--local-directory", folder) if folder else ()), **allocator)
