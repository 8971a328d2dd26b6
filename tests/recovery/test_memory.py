"""Memory stays bounded at sizes where an unfolded image would take 30 GB."""

import subprocess
import sys

import pytest

_SCRIPT = """
import resource, sys
import numpy as np
from convkit import learn_kernel

image = np.random.default_rng(0).random((4096, 4096))
learn_kernel(image, np.random.default_rng(1).random((15, 15)), steps=2, backend=sys.argv[1])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes on Linux only")
@pytest.mark.parametrize("backend", ["gram", "conv2d"])
def test_learning_from_16_megapixels_stays_below_one_gibibyte(backend: str) -> None:
    done = subprocess.run([sys.executable, "-c", _SCRIPT, backend], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1 << 20
