"""Memory stays bounded at sizes where an unfolded image would take 30 GB."""

import subprocess
import sys

import pytest

_SCRIPT = """
import sys
from pathlib import Path
import numpy as np
from convkit import learn_kernel

image = np.random.default_rng(0).random((4096, 4096))
learn_kernel(image, np.random.default_rng(1).random((15, 15)), steps=2, backend=sys.argv[1])
# ru_maxrss would be that of the parent, if that is larger: it is handed on.
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(status["VmHWM"].split()[0])
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is read from /proc")
@pytest.mark.parametrize("backend", ["gram", "conv2d"])
def test_learning_from_16_megapixels_stays_below_one_gibibyte(backend: str) -> None:
    done = subprocess.run([sys.executable, "-c", _SCRIPT, backend], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1 << 20
