"""What several rooms' tests share."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import hypothesis
import numpy as np
import pytest

# Two workers share two cores; threads of one's own would only get in the other's way.
os.environ.setdefault("OMP_NUM_THREADS", "1")

hypothesis.settings.register_profile("convkit", deadline=None, derandomize=True)
hypothesis.settings.load_profile("convkit")

ROOT = Path(__file__).resolve().parents[1]

Convkit = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261123)


@pytest.fixture(scope="session")
def root() -> Path:
    """Where the repository lies."""
    return ROOT


@pytest.fixture
def convkit(tmp_path: Path) -> Convkit:
    """Run the real command in an empty folder, off a terminal."""

    def run(*arguments: str, text: bool = True, **options: object) -> subprocess.CompletedProcess[str]:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("CONVKIT")}
        environment |= {"PYTHONWARNINGS": "error::UserWarning", **options.pop("env", {})}
        return subprocess.run(
            [sys.executable, "-m", "convkit", *map(str, arguments)],
            capture_output=True,
            text=text,
            cwd=options.pop("cwd", tmp_path),
            env=environment,
            timeout=120,
            check=False,
            **options,
        )

    return run
