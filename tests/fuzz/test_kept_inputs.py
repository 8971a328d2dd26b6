"""Every input that is kept, those that once found a fault among them, goes through its harness."""

from pathlib import Path

import pytest
from fuzz.harnesses import HARNESSES, feed

CORPUS = Path(__file__).parent / "corpus"


@pytest.mark.parametrize("name", HARNESSES)
def test_kept_inputs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    inputs = sorted((CORPUS / name).iterdir())
    assert inputs
    for path in inputs:
        feed(name, path.read_bytes())


def test_a_fault_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(data: bytes) -> None:
        raise IndexError(data)

    monkeypatch.setitem(HARNESSES, "kernel_text", broken)
    with pytest.raises(IndexError):
        feed("kernel_text", b"1")
