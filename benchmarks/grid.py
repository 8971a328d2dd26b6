"""Grids: runs a second in one process and in workers, what the engine costs, and what travels.

Nothing else should run meanwhile: two workers and their parent fill two cores.
"""

import operator
import os
import pickle
import statistics
import sys
import tempfile
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
from side_by_side import write

os.environ["OMP_NUM_THREADS"] = "1"

RUNS = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
REPEATS = 3
NAP = 0.5
NAPS = 40
SMALL_TASKS = 1000
SIDE, SIZE = int(sys.argv[2]) if len(sys.argv) > 2 else 1 << 15, 15


def main() -> None:
    rows = [*lesson_runs(), naps(), scheduling(), *gigapixel(), travelling()]
    for row in rows:
        print(
            ", ".join(
                f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in row.items()
            )
        )
    write("grid", rows)


WAYS: dict[str, dict] = {
    "serial": {},
    "serial, noise": {"noise": 0.1},
    "one worker": {"jobs": 1},
    "two workers": {"jobs": 2},
}


def lesson_runs() -> list[dict]:
    """Runs a second from the end of the first run to that of the last: the start of a cluster is not counted."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in WAYS}
    for _ in range(REPEATS):  # in turns, so that all meet the same machine
        for name, options in WAYS.items():
            taken[name].append(timed_runs(**options))
    return [
        {
            "what": f"lesson-sized runs, {name}",
            "runs_a_second": 1 / statistics.median(wall for wall, _ in times),
            "parent_cpu_milliseconds_a_run": 1e3 * statistics.median(cpu for _, cpu in times),
        }
        for name, times in taken.items()
    ]


def timed_runs(**options: object) -> tuple[float, float]:
    """Seconds a run on the wall, and of this process's (and the local scheduler's) CPU."""
    from convkit import compare

    wall: list[float] = []
    cpu: list[float] = []

    def on_run(_: object) -> None:
        wall.append(time.perf_counter())
        if len(wall) in (1, RUNS):
            cpu.append(time.process_time())

    with tempfile.TemporaryDirectory() as folder:
        save = Path(folder, "runs.jsonl")
        compare(vary={"seed": list(range(RUNS))}, backend="gram", save=save, on_run=on_run, **options)
    return (wall[-1] - wall[0]) / (RUNS - 1), (cpu[-1] - cpu[0]) / (RUNS - 1)


def naps() -> dict:
    """Tasks that only wait: what is more than their waiting is the engine's."""
    from convkit.engine import open_engine

    engine = open_engine(jobs=2)
    try:
        list(engine.map_unordered(time.sleep, [0.0] * 4))
        began = time.perf_counter()
        list(engine.map_unordered(time.sleep, [NAP] * NAPS))
        seconds = time.perf_counter() - began
    finally:
        engine.close()
    return {"what": f"tasks of {NAP} s on two workers", "overhead": seconds / (NAP * NAPS / 2) - 1}


def scheduling() -> dict:
    """A tree of tasks that do nothing: what a task costs the client and the scheduler, which share this process."""
    from convkit.engine import open_engine

    engine = open_engine(jobs=1)
    try:
        engine.tree_reduce(abs, range(4), operator.add)
        began, cpu = time.perf_counter(), time.process_time()
        engine.tree_reduce(abs, range(SMALL_TASKS), operator.add)
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    finally:
        engine.close()
    tasks = 2 * SMALL_TASKS
    return {
        "what": "empty tasks on one worker",
        "milliseconds_a_task": 1e3 * seconds / tasks,
        "parent_cpu_milliseconds_a_task": 1e3 * cpu / tasks,
    }


def gigapixel() -> list[dict]:
    """Normal equations of a gigapixel image in a file, and of a target in another, in one worker and in two."""
    from convkit.engine import open_engine

    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("image.npy", "target.npy")]
        rng = np.random.default_rng(0)
        for path, side in zip(paths, (SIDE, SIDE - SIZE + 1), strict=True):
            pixels = np.lib.format.open_memmap(path, "w+", np.float32, (side, side))
            for top in range(0, side, 512):
                pixels[top : top + 512] = rng.random((min(512, side - top), side), dtype=np.float32)
            pixels.flush()
            del pixels
        rows = []
        for jobs in (1, 2):
            engine = open_engine(jobs=jobs)
            try:
                condense(engine, paths, rows=slice(0, 1024))  # so that everything is imported
                began = time.perf_counter()
                condense(engine, paths)
                seconds = time.perf_counter() - began
                peak = max(outcome.value or 0.0 for outcome in engine.map_unordered(peak_mebibytes, range(8)))
            finally:
                engine.close()
            rows.append(
                {
                    "what": f"normal equations {SIZE}x{SIZE} of {SIDE}², {jobs} worker(s)",
                    "seconds": seconds,
                    "seconds_a_megapixel": seconds / (SIDE * SIDE / 1e6),
                    "peak_mebibytes_a_worker": peak,
                }
            )
        rows[1]["times_one_worker"] = rows[0]["seconds"] / rows[1]["seconds"]
    return rows


def condense(engine, paths: list[Path], rows: slice = slice(None)):
    """Sum the equations of parts that workers read from the files, as ``learn-kernel --jobs`` does."""
    from convkit import Experiment
    from convkit.experiment.spread import Spread
    from convkit.image import read_large
    from convkit.recovery import Problem

    image, target = (read_large(path, 0) for path in paths)
    pixels, outputs = image.values[rows], target.values[rows]
    problem = Problem.of(pixels[: len(outputs) + SIZE - 1], outputs[: len(pixels) - SIZE + 1], (SIZE, SIZE))
    return replace(problem, summing=Spread(engine, (image, target), Experiment())).condensed()


def peak_mebibytes(_: int) -> float:
    """Most memory that this process had resident; ru_maxrss would hand on its parent's."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1024


def travelling() -> dict:
    """Bytes of what goes from worker to worker, to the parent and to the file, and of what the parent keeps."""
    from convkit import Experiment, NormalEquations, compare
    from convkit.experiment.grid import Grid
    from convkit.experiment.task import execute

    (task,) = Grid.of(Experiment(), {"seed": [0]}).tasks.values()
    equations = NormalEquations.of(np.eye(64), np.eye(50), (SIZE, SIZE))
    compare(vary={"seed": [0]})
    tracemalloc.start()
    kept = compare(vary={"seed": list(range(500))})
    held = tracemalloc.get_traced_memory()[0] / len(kept.runs)
    tracemalloc.stop()
    return {
        "what": "bytes",
        "line_of_a_run": len(execute(Experiment(), ".", task).line),
        "task_of_a_run": len(pickle.dumps(task)),
        "normal_equations_15x15": len(pickle.dumps(equations)),
        "parent_memory_a_run": held,
    }


if __name__ == "__main__":
    main()
