"""A response's memory is used again when nothing refers to it any more, and not before."""

import gc
import mmap
import subprocess
import sys

import numpy as np
import pytest

from convkit import convolve
from convkit.convolution import memory

pytestmark = pytest.mark.skipif(not hasattr(mmap, "MADV_FREE"), reason="this system cannot mark memory as free")

_SIZE = 5_000_000


def place(values: np.ndarray) -> int:
    """Return where an array begins."""
    return values.__array_interface__["data"][0]


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    memory._kept.clear()


def test_a_block_is_used_again_only_when_its_last_view_is_gone() -> None:
    first = memory.new_bytes(_SIZE)
    assert place(first) % (1 << 21) == 0
    where, part = place(first), first[100:200].reshape(10, 10)
    part[...] = 7
    del first
    second = memory.new_bytes(_SIZE)
    second[...] = 1
    assert place(second) != where
    assert (part == 7).all()
    del part
    assert place(memory.new_bytes(_SIZE)) == where


def test_one_block_of_about_the_size_asked_for_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = [memory.new_bytes(_SIZE) for _ in range(3)]
    assert len({place(block) for block in blocks}) == 3
    del blocks
    assert len(memory._kept) == 1
    (kept,) = memory._kept
    memory.new_bytes(3 * _SIZE)
    assert kept not in memory._kept
    memory._kept.clear()
    monkeypatch.setattr(memory, "_MOST", _SIZE)
    memory.new_bytes(_SIZE)
    assert not memory._kept


def test_responses_that_are_kept_do_not_change(rng: np.random.Generator) -> None:
    images = [rng.random((1100, 1200), np.float32) for _ in range(4)]
    kernel = rng.random((3, 3))
    kept = [convolve(image, kernel) for image in images]
    copies = [response.copy() for response in kept]
    for image in images[::-1]:
        convolve(image, -kernel)
    for response, copy in zip(kept, copies, strict=True):
        np.testing.assert_array_equal(response, copy)
    del kept, response
    gc.collect()
    for image, copy in zip(images, copies, strict=True):
        np.testing.assert_array_equal(convolve(image, kernel), copy)


def test_python_ends_quietly_while_a_response_lives() -> None:
    script = (
        "import numpy, convkit; kept = [convkit.convolve(numpy.ones((1500, 1500)), [[1, 2, 1]])]; kept.append(kept)"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stderr == ""
