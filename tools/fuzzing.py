"""Fuzz what convkit reads: bytes that are changed at random, and kept when they reach a line that none before reached.

Each harness of tests/fuzz/harnesses.py runs for so many seconds in a process of its own, from the inputs kept in
tests/fuzz/corpus. An input that finds a fault is written to .fuzz/; mend the fault and keep the input in the corpus.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from base64 import b64encode
from pathlib import Path

SELF = Path(__file__).resolve()
ROOT = SELF.parents[1]
CORPUS, FOUND = ROOT / "tests/fuzz/corpus", ROOT / ".fuzz"
LIMITS = ("-max_len=4096", "-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1", "-verbosity=0")


def fuzz(name: str, seconds: int, seed: int) -> None:
    """Be the fuzzer of one harness: does not return."""
    import atheris

    sys.path.insert(0, str(ROOT / "tests"))
    with atheris.instrument_imports(include=["convkit"]):
        from fuzz.harnesses import feed
    (FOUND / name).mkdir(parents=True, exist_ok=True)
    where = (str(FOUND / name), str(CORPUS / name), f"-artifact_prefix={FOUND}/{name}-")
    atheris.Setup(
        [sys.argv[0], *where, *LIMITS, f"-max_total_time={seconds}", f"-seed={seed}"], lambda data: feed(name, data)
    )
    atheris.Fuzz()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="harnesses (default: all)")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here:
        fuzz(given.names[0], given.seconds, given.seed)
    try:
        import atheris  # noqa: F401
    except ImportError:
        print("no atheris for this Python: nothing is fuzzed; the kept inputs are tested by tests/fuzz all the same")
        return
    failed = False
    for name in given.names or sorted(path.name for path in CORPUS.iterdir()):
        before = {*FOUND.glob(f"{name}-*")}
        with tempfile.TemporaryDirectory(prefix="convkit-fuzz-") as folder:
            done = subprocess.run(
                [sys.executable, SELF, name, "--here", f"--seconds={given.seconds}", f"--seed={given.seed}"],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
                cwd=folder, env=os.environ | {"TMPDIR": folder},
            )  # fmt: skip
        count = re.search(r"number_of_executed_units: (\d+)", done.stdout)
        print(f"{name:12} {int(count[1]) if count else 0:>9,} executions in {given.seconds} s, "
              f"{'no fault' if done.returncode == 0 else 'A FAULT'}", flush=True)  # fmt: skip
        if done.returncode:
            failed = True
            print(done.stdout[-8000:])
            for path in sorted({*FOUND.glob(f"{name}-*")} - before):  # in case nobody sees this machine again
                print(f"{path.name} in base64: {b64encode(path.read_bytes()).decode()}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
