"""Commands that are killed at any moment: outputs are whole old or whole new ones, and the next run clears up."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from faults.conftest import OLD, WRITERS, Place, is_whole

SEED = 20261127


def moments(name: str, whole: float, count: int) -> list[float]:
    """Seconds after the start, half of them towards the end, when outputs are written."""
    rng = np.random.default_rng([SEED, *name.encode()])
    return [float(whole * (rng.random() if number % 2 else 0.7 + 0.4 * rng.random())) for number in range(count)]


def kill_again_and_again(place: Place, name: str, by: signal.Signals, count: int) -> None:
    output = place.folder / name
    command = (*WRITERS[name], name)
    began = time.monotonic()
    assert place.run(*command)[0] == 0
    whole = time.monotonic() - began
    assert is_whole(output)
    for after in moments(name, whole, count):
        old = b"" if output.suffix == ".jsonl" else OLD
        output.write_bytes(old)
        code = place.killed(*command, after=after, by=by)
        assert code in (0, -by, 128 + by), code
        assert output.read_bytes() == old or is_whole(output), after
        if by is signal.SIGTERM and code == 128 + by:
            assert not place.left(), "it was asked to end, and could have cleared up"
    # Beside them, a folder for temporary files is shared by all programs: only what is ours goes.
    (place.temporary / "somebody-else").touch()
    code, _, told = place.run(*command)
    assert code == 0, told
    assert is_whole(output)
    assert place.left() == {"somebody-else"}


@pytest.mark.parametrize("name", ["a.png", "a.json"])
def test_killed_at_a_random_moment(name: str, place: Place) -> None:
    kill_again_and_again(place, name, signal.SIGKILL, 2)


@pytest.mark.slow
@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("name", WRITERS)
def test_killed_at_many_moments(name: str, by: signal.Signals, place: Place) -> None:
    kill_again_and_again(place, name, by, 8)


WAITS = """
import sys, time
from pathlib import Path
Path("started").touch()
time.sleep(60)
"""


def test_terminated_while_a_program_is_asked(place: Place) -> None:
    """The program is ended with us, and its folder goes."""
    (place.folder / "waits.py").write_text(WAITS)
    process = place.start("learn-kernel", "--program", "python3 waits.py {input} {output}", "--size", "3", "-q")
    try:
        started = wait_for(lambda: next(place.temporary.rglob("started"), None))
        assert started.parent.parent.stat().st_mode & 0o777 == 0o700
        running = children_in(started.parent)
        assert running
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 128 + signal.SIGTERM
    assert err == b""
    assert not place.left()
    assert not any(Path(f"/proc/{pid}").exists() for pid in running)


def test_what_a_killed_probe_left_goes_with_the_next(place: Place) -> None:
    (place.folder / "waits.py").write_text(WAITS)
    process = place.start("learn-kernel", "--program", "python3 waits.py {input} {output}", "--size", "3", "-q")
    started = wait_for(lambda: next(place.temporary.rglob("started"), None))
    running = children_in(started.parent)
    process.kill()
    process.communicate()
    assert place.left()
    for pid in running:  # nobody is there any more to end it
        os.kill(pid, signal.SIGKILL)
    kept = place.run("learn-kernel", "--program", "cp {input} {output}", "--size", "3", "-q", "--keep")
    assert kept[0] == 0
    assert place.run("learn-kernel", "--program", "cp {input} {output}", "--size", "3", "-q")[0] == 0
    assert [name.startswith("convkit-kept-") for name in place.left()] == [True], "what was to be kept is kept"


def wait_for(look: Callable[[], Path | None]) -> Path:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError("the program was never started")


def children_in(folder: Path) -> list[int]:
    """Processes at work in a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink() == folder:
                found.append(int(entry.name))
        except OSError:
            continue
    return found
