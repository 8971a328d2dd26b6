"""What happens with somebody else's program that misbehaves: one clear message, nothing left behind."""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

from convkit.errors import ConvkitError, ProgramError, SettingsError
from convkit.experiment import Experiment
from convkit.probe import ProbeFormat, opened, parse_command

FAULTS = Path(__file__).with_name("programs") / "faults.py"
PICTURE = np.random.default_rng(0).integers(0, 256, (40, 50)) / 255


@pytest.fixture
def private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of temporary folders, to see what is left."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def ask(fault: str, timeout: float = 20.0) -> np.ndarray:
    with opened(f"{sys.executable} {FAULTS} {fault} {{input}} {{output}}", timeout=timeout) as program:
        return program.ask(PICTURE)[1].values


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("fails", "exit code 3 from .*stderr ends with 'no such filter' | 'giving up'"),
        ("crashes", "an end by SIGABRT"),
        ("empty", "an empty file"),
        ("elsewhere", r"nothing there, but 'output-0\.png'"),
        ("jpeg", "expected a PNG file.*got a JPEG file"),
        ("text", "something that is no picture"),
        ("truncated", "damaged, cut short"),
        ("leaves-child", "1 process still running"),
        ("leaves-daemon", "1 process still running"),
    ],
)
def test_a_fault_is_named(fault: str, told: str, private: Path, monkeypatch) -> None:
    monkeypatch.setenv("PIDS", str(private / "pids"))
    with pytest.raises(ProgramError, match=told) as caught:
        ask(fault)
    assert caught.value.exit_code == 2
    assert [one.name for one in private.iterdir() if one.name != "pids"] == []
    if (private / "pids").exists():
        assert_gone(int((private / "pids").read_text()))


def test_a_program_that_hangs_is_stopped_with_its_children(private: Path, monkeypatch) -> None:
    monkeypatch.setenv("PIDS", str(private / "pids"))
    with pytest.raises(ProgramError, match="expected an answer within 3 s"):
        ask("waits-for-child", timeout=3.0)
    assert_gone(int((private / "pids").read_text()))
    with pytest.raises(ProgramError, match=r"expected an answer within 0\.5 s"):
        ask("hangs", timeout=0.5)
    assert [one.name for one in private.iterdir()] == ["pids"]


def test_a_helper_that_ends_soon_after_is_no_fault(private: Path) -> None:
    assert np.array_equal(ask("ends-with-child"), PICTURE)


def assert_gone(pid: int) -> None:
    """A process that was killed is gone, or a zombie until its parent looks."""
    for _ in range(50):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return
        if state in "ZX":
            return
        time.sleep(0.02)
    pytest.fail(f"process {pid} still runs")


def test_a_command_needs_both_places() -> None:
    with pytest.raises(SettingsError, match=r"which lacks \{output\}"):
        parse_command("gm convert {input} out.png")
    with pytest.raises(SettingsError, match="closing every quote"):
        parse_command("gm 'convert {input} {output}")


def test_a_program_that_is_not_there_is_said() -> None:
    with (
        pytest.raises(ProgramError, match="'no-such-program', which is not found"),
        opened("no-such-program {input} {output}"),
    ):
        pass


def test_no_shell_reads_the_words(private: Path, monkeypatch) -> None:
    monkeypatch.chdir(private)
    script = private / "count.py"
    script.write_text("import sys, shutil; assert sys.argv[3] == '; echo $HOME *'; shutil.copy(*sys.argv[1:3])")
    # The script is named as it lies in the user's folder, though the program runs in its own.
    with opened(f"{sys.executable} count.py {{input}} {{output}} '; echo $HOME *'") as program:
        assert np.array_equal(program.ask(PICTURE)[1].values, PICTURE)


@pytest.mark.parametrize("form", list(ProbeFormat))
def test_every_format_goes_there_and_back(form: ProbeFormat, private: Path) -> None:
    with opened("cp {input} {output}", form=form) as program:
        seen, answer = program.ask(PICTURE)
    assert np.array_equal(seen.values, answer.values)
    assert seen.level == (1 / form.steps if form.steps else None)
    assert np.abs(seen.values - PICTURE).max() <= (0.2 if form is ProbeFormat.JPG else 1e-6)


def test_kept_folders_stay(private: Path) -> None:
    with opened("cp {input} {output}", keep=True) as program:
        program.ask(PICTURE)
    assert sorted(one.name for one in (program.folder / "run-001").iterdir()) == [
        "input.png", "output.png", "stderr.txt", "stdout.txt"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"program": "cp {input} {output}", "image": "noise"}, "--program with --image"),
        ({"precision": "1e-4"}, "--precision alone"),
        ({"program": "cp {input} {output}", "program_timeout": "0"}, "--program-timeout as a finite number above 0"),
        ({"program": "cp {input} {output}", "probe_format": "gif"}, "--probe-format"),
        ({"program": "cp {input} {output}", "noise": "0.1"}, "--noise 0.1 with --program"),
    ],
)
def test_settings_that_do_not_go_together(settings: dict, told: str) -> None:
    with pytest.raises(ConvkitError, match=told):
        Experiment(**settings)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("fails", "exit code 3"),
        ("hangs", "expected an answer within 2 s"),
        ("elsewhere", "nothing there, but 'output-0.png'"),
        ("jpeg", "got a JPEG file"),
        ("truncated", "damaged, cut short"),
        ("leaves-child", "1 process still running"),
    ],
)
def test_faults_at_the_command_line(fault: str, told: str, convkit, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "private").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "private"))
    monkeypatch.setenv("PIDS", str(tmp_path / "pids"))
    command = f"{sys.executable} {FAULTS} {fault} {{input}} {{output}}"
    done = convkit("learn-kernel", "--program", command, "--program-timeout", "2" if fault == "hangs" else "30")
    assert done.returncode == 2
    assert done.stdout == ""
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "private").iterdir()) == []
    if (tmp_path / "pids").exists():
        assert_gone(int((tmp_path / "pids").read_text()))


def test_another_size_is_refused_at_the_command_line(convkit) -> None:
    done = convkit("learn-kernel", "--program", f"{sys.executable} {FAULTS} half-size {{input}} {{output}}")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "expected an output of the input's size, 149x163" in done.stderr
    assert "Traceback" not in done.stderr
