"""Full disks, folders that cannot be written, streams that are closed, environments that lack what is usual."""

import contextlib
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults.conftest import LEARN, OLD, WRITERS, Place, is_whole

# One of each way of writing, and the others where there is time.
_FEW = ("a.png", "a.json", "a.jsonl", "b.json")
EVERY_WRITER = [pytest.param(name, marks=[] if name in _FEW else pytest.mark.slow) for name in WRITERS]
QUICK = ("learn-kernel", "--steps", "5", "--json")


either_signal = pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGINT", 130)])


def ended(program: str) -> subprocess.CompletedProcess[str]:
    """Run a program of Python's to its end."""
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)


def limited(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize("name", EVERY_WRITER)
def test_a_limit_on_the_size_of_files(name: str, place: Place) -> None:
    """As on a disk that fills up in the middle: the old file stays, and the mistake is told."""
    output = place.folder / name
    old = b"" if name.endswith(".jsonl") else OLD
    output.write_bytes(old)
    code, out, told = place.run(*WRITERS[name], name, preexec_fn=lambda: limited(100))
    assert code == 2, (out, told)
    wanted = "room for the program's files" if name == "b.json" else "a file that can be written"
    assert told.splitlines()[-3].startswith(f"convkit: expected {wanted}"), told
    assert "File too large" in told
    assert output.read_bytes() == old or (name.endswith(".jsonl") and is_whole(output))
    assert not place.left()


@contextlib.contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=False, capture_output=True
    )
    if done.returncode:
        pytest.skip(f"a file system cannot be mounted here: {done.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
@pytest.mark.parametrize("name", ["a.png", "a.json", "a.html"])
def test_a_full_disk(name: str, place: Place) -> None:
    disk = place.folder / "disk"
    disk.mkdir()
    with mounted(disk, "size=16k"):
        (disk / name).write_bytes(OLD)
        (disk / "filler").write_bytes(bytes(8192))
        code, _, told = place.run(*WRITERS[name], f"disk/{name}")
        assert code == 2
        assert "No space left" in told
        assert (disk / name).read_bytes() == OLD
        assert {entry.name for entry in disk.iterdir()} == {name, "filler"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a disk that cannot be written")
@pytest.mark.parametrize("name", EVERY_WRITER)
def test_a_disk_that_cannot_be_written(name: str, place: Place) -> None:
    disk = place.folder / "disk"
    disk.mkdir()
    with mounted(disk, "ro"):
        code, _, told = place.run(*WRITERS[name], f"disk/{name}")
    assert code == 2
    assert told.startswith("convkit: expected a f"), told
    assert "disk" in told


@pytest.mark.parametrize("arguments", [("kernels",), ("learn-kernel", "--steps", "50", "--log-every", "1")])
def test_a_reader_that_leaves(arguments: tuple[str, ...], place: Place) -> None:
    """`| head`: no traceback, no message, whatever the exit code of a command that nobody listens to."""
    process = place.start(*arguments)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(1)
    process.stdout.close()
    told = process.stderr.read()
    assert process.wait(60) in (0, -13)
    assert told == b""
    process.stderr.close()


@pytest.mark.parametrize("closed", [(1,), (0, 1, 2)])
def test_streams_that_are_closed(closed: tuple[int, ...], place: Place) -> None:
    def close() -> None:
        for stream in closed:
            os.close(stream)

    code, _, told = place.run("convolve", "edges", "-k", "1,-1", "-o", "a.png", preexec_fn=close)
    assert code == 0
    assert "Traceback" not in told
    assert is_whole(place.folder / "a.png")


def answered(place: Place, environment: dict[str, str]) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "convkit", *QUICK, "--plot", "a.png"], cwd=place.folder, env=environment,
        capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert is_whole(place.folder / "a.png")
    record = json.loads(done.stdout)
    del record["seconds"]
    return record


def test_surroundings_do_not_change_the_answer(place: Place) -> None:
    usual = answered(place, dict(os.environ))
    for changed, removed in (
        ({"HOME": "/nonexistent", "TERM": "dumb", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, ()),
        ({"TZ": "Nowhere/Nothing", "COLUMNS": "1", "NO_COLOR": "1", "FORCE_COLOR": "1"}, ("HOME", "LANG", "PATH")),
        ({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}, ("TERM", "HOME")),
    ):
        odd = {key: value for key, value in os.environ.items() if key not in removed} | changed
        assert answered(place, odd) == usual, (changed, removed)


def test_a_clock_that_jumps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of day goes back a year between any two looks at it; no record has negative seconds for it."""
    import time

    from convkit import learn_kernel

    now = [1e9]

    def back() -> float:
        now[0] -= 3e7
        return now[0]

    monkeypatch.setattr(time, "time", back)
    monkeypatch.setattr(time, "time_ns", lambda: int(1e9 * back()))
    found = learn_kernel(kernel="1,-1", steps=5)
    assert found.seconds >= 0.0


def test_memory_stays_below_a_gibibyte_though_headers_promise_more(place: Place) -> None:
    """In a process of its own, whose address space is limited: a promise is checked before memory is asked for."""
    from hostile import corpus

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))

    files = dict(corpus.refused())
    for name in ("huge.png", "bomb.png", "huge.pgm", "huge.tif", "promised.tif", "huge.bmp", "huge.gif"):
        (place.folder / name).write_bytes(files[name])
        code, _, told = place.run("convolve", name, "-k", "2", "-o", "out.npy", "-q", preexec_fn=limit)
        assert code == 2, (name, told)
        assert "enough memory" not in told, name
        assert not (place.folder / "out.npy").exists()
        assert not place.left()


def test_one_core(place: Place) -> None:
    def pin() -> None:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

    code, out, _ = place.run(*QUICK, preexec_fn=pin)
    assert code == 0
    assert json.loads(out)["status"] == "max-steps"
    assert place.run(*LEARN, "--steps", "5", "--save", "a.json", preexec_fn=pin)[0] == 0


@either_signal
def test_a_signal_that_comes_where_exceptions_are_ignored(name: str, code: int) -> None:
    """In a finaliser, as libraries have them, its exception goes no further; the end is asked for again."""
    program = f"""
import os, signal, sys, time
from convkit.cli.ending import Ending

class Held:
    def __del__(self):
        os.kill(os.getpid(), signal.{name})
        for _ in range(1000):
            pass

Ending().prepare()
held = Held()
try:
    del held
    time.sleep(30)
except KeyboardInterrupt:
    sys.exit(130)
"""
    done = ended(program)
    assert (done.returncode, done.stderr) == (code, "")


@pytest.mark.parametrize(("interrupted", "said"), [(True, ""), (False, "AttributeError")])
def test_what_an_interruption_leaves_half_built_does_not_complain(interrupted: bool, said: str) -> None:
    """Dask's futures, say, release in a finaliser what their constructor had no time to give them."""
    program = f"""
import os, signal
from convkit.cli.ending import Ending

class Half:
    def __init__(self):
        if {interrupted}:
            os.kill(os.getpid(), signal.SIGINT)
        else:
            raise KeyboardInterrupt
        self.whole = True

    def __del__(self):
        self.whole

Ending().prepare()
try:
    Half()
except KeyboardInterrupt:
    pass
"""
    done = ended(program)
    assert done.returncode == 0
    assert said in done.stderr if said else done.stderr == ""


@either_signal
def test_an_end_that_is_swallowed_is_asked_for_again(name: str, code: int) -> None:
    """As by pydantic's serialisers. What cleans up afterwards, and takes longer than that, is not disturbed."""
    program = f"""
import os, signal, sys, time
from convkit.cli.ending import Ending

def swallowed():
    try:
        os.kill(os.getpid(), signal.{name})
        time.sleep(30)
    except BaseException:
        pass

def cleaned():
    try:
        yield
    finally:
        time.sleep(2.5)
        print("cleaned up", flush=True)

ending = Ending()
ending.prepare()
try:
    try:
        swallowed()
        for _ in cleaned():
            time.sleep(30)
    finally:
        try:
            raise ValueError
        except ValueError:
            time.sleep(2.5)
        print("and closed", flush=True)
except KeyboardInterrupt:
    sys.exit(130)
finally:
    ending.over()
"""
    done = ended(program)
    assert (done.returncode, done.stdout, done.stderr) == (code, "cleaned up\nand closed\n", "")


@either_signal
@pytest.mark.parametrize("error", ["ImportError('initialization failed')", "ConvkitError('matplotlib', 'none', 'pip')"])
def test_an_end_that_comes_out_as_another_error_is_an_end(name: str, code: int, error: str) -> None:
    """As of the import of a library in C, which says that it failed, or is taken for one that is not installed."""
    program = f"""
import os, signal, time
from convkit.cli import main
from convkit.errors import ConvkitError

def torn():
    try:
        os.kill(os.getpid(), signal.{name})
        time.sleep(30)
    except BaseException:
        raise {error} from None

main.application = lambda asked: torn
print("before", flush=False)
main.main()
"""
    done = ended(program)
    assert (done.returncode, done.stdout, done.stderr) == (code, "before\n", "")
