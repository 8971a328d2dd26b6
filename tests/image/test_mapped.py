"""Pages of mapped files do not pile up."""

from pathlib import Path

import numpy as np
import pytest

from convkit.image import mapped

_SMAPS = Path("/proc/self/smaps")


def resident(path: Path) -> int:
    """Return how many KB of a file are resident in this process, where it is mapped."""
    lines = _SMAPS.read_text().splitlines()
    headers = [number for number, line in enumerate(lines) if line.endswith(str(path))]
    assert headers
    return sum(int(next(line for line in lines[n:] if line.startswith("Rss:")).split()[1]) for n in headers)


@pytest.mark.skipif(not _SMAPS.exists(), reason="this system does not tell what is resident")
def test_pages_are_let_go_at_once_and_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped, "_MANY_BYTES", 1 << 16)
    monkeypatch.setattr(mapped, "_keeper", object())  # no thread that could be faster
    path = tmp_path / "x"
    numbers = np.random.default_rng(0).random((1024, 1024))
    path.write_bytes(numbers.tobytes())
    with path.open("rb") as file:
        values = mapped.map_lightly(file, np.dtype(np.float64), 0, (1024, 1024))
    assert values[:, 5].sum() == numbers[:, 5].sum()
    assert resident(path) > 4096
    mapped.let_go()
    assert resident(path) == 0
    np.testing.assert_array_equal(values, numbers)
    monkeypatch.setattr(mapped, "_MANY_BYTES", 1 << 50)
    mapped.let_go()
    assert resident(path) == 8192
