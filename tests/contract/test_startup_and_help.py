"""The command starts at once: what is loaded when, and help that fits."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

COMMANDS = ["convolve", "learn-kernel", "compare", "kernels"]


def loaded(code: str, cwd: Path) -> set[str]:
    script = f"import sys\n{code}\nprint(*sorted(sys.modules), sep='\\n', file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=cwd, check=True)
    return set(done.stderr.splitlines())


def run_main(*arguments: str) -> str:
    return (
        f"sys.argv = ['convkit', *{list(arguments)!r}]\nfrom convkit.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code, stop.code"
    )


def test_importing_convkit_loads_next_to_nothing(tmp_path: Path) -> None:
    assert not loaded("import convkit", tmp_path) & {"torch", "numpy", "pydantic", "rich", "typer", "PIL"}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], *([command, "--help"] for command in COMMANDS)])
def test_help_loads_no_numbers(arguments: list[str], tmp_path: Path) -> None:
    assert not loaded(run_main(*arguments), tmp_path) & {"torch", "numpy", "pydantic", "rich", "PIL"}


def test_convolving_a_small_picture_quietly_stays_light(root: Path, tmp_path: Path) -> None:
    picture = str(root / "pictures/scene.png")
    modules = loaded(run_main("convolve", picture, "-k", "sobel", "-q"), tmp_path)
    assert not modules & {"torch", "pydantic", "rich", "numpy.ma"}
    assert "numpy" in modules
    assert (tmp_path / "scene.sobel.png").is_file()


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits_80_columns_and_tells_every_option(convkit, command: str) -> None:
    done = convkit(*([command] if command else []), "--help", env={"COLUMNS": "80"})
    assert done.returncode == 0
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    for line in lines:
        # An option's line either tells what it does or is too long, and the next one does.
        if line.startswith("  -"):
            assert "…" not in line.split("  ")[1]
    if command:
        assert "convkit " + command in done.stdout


@pytest.mark.parametrize("command", ["convolve", "learn-kernel"])
def test_help_names_every_word_that_an_option_takes(convkit, command: str) -> None:
    """A new backend, solver or border rule is not kept a secret."""
    from convkit.convolution import Backend, Padding
    from convkit.image import Gray
    from convkit.image.mapping import Mapping
    from convkit.probe import ProbeFormat
    from convkit.recovery import LearningBackend, Loss, Solver
    from convkit.recovery.constraints import Constraint

    shared = {"--padding": Padding, "--gray": Gray}
    own = {"--backend": Backend, "--map": Mapping}
    if command == "learn-kernel":
        own = {"--backend": LearningBackend, "--solver": Solver, "--loss": Loss, "--probe-format": ProbeFormat}
        own["--constraint"] = Constraint
    told = dict(re.findall(r"^ +(?:-\w, )?(--[\w-]+)(.*?)(?=^ +-|\Z)", convkit(command, "--help").stdout, re.M | re.S))
    for option, words in (shared | own).items():
        assert set(words) <= set(re.findall(r"[\w-]+", told[option])), option


def test_public_names_are_pinned_and_documented() -> None:
    import convkit

    assert convkit.__all__ == [
        "Comparison", "Conv2D", "ConvkitError", "Experiment", "Kernel", "NormalEquations", "Recovery",
        "compare", "convolve", "learn_kernel", "load_image", "save_image",
    ]  # fmt: skip
    for name in convkit.__all__:
        assert getattr(convkit, name).__doc__, name
    assert set(convkit.__all__) <= set(dir(convkit))


def test_version(convkit) -> None:
    import convkit as package

    assert convkit("--version").stdout == f"convkit {package.__version__}\n"
