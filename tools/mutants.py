"""Mutation testing: are there tests that notice when recovery/ or convolution/ compute something else?

`map` runs their tests once and notes which test runs which line; given files of tests, it adds those of these. `run`
takes a seeded sample of small changes (a sign, a comparison, a constant, a condition), and for each runs the tests of
the changed line, those of the file that mirrors the code first, until one fails; `again` gives those that no test
noticed, or only the clock, four times as long. Every mutant lives in a fork of one process that has NumPy, SciPy and
torch loaded already. What is done is kept in a file of JSON lines, with the test that noticed, and not done again;
`report` counts.
"""

import argparse
import ast
import importlib.util
import json
import os
import pkgutil
import random
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("recovery", "convolution")
KEPT = ROOT / ".mutants"
# What becomes of a mutant: a test fails, or it takes too long, or no test notices, or none runs its file.
KILLED, LATE, SURVIVED, UNTESTED = "killed", "timeout", "survived", "no tests"
# Seconds of tests, as they ran alone, that a mutant is given at most, the second time so many times as many; and how
# much slower they may be than that.
BUDGET, AGAIN, SLOWER, GRACE = 25.0, 4.0, 3.0, 30.0
# What tests load, loaded once.
LOADED = (
    "numpy", "scipy.signal", "scipy.ndimage", "scipy.optimize", "scipy.linalg", "scipy.stats", "torch", "hypothesis",
    "hypothesis.extra.numpy", "cv2", "skimage", "PIL.Image", "pydantic", "tifffile", "pytest",
)  # fmt: skip
QUIET = [
    "--assert=plain",
    "-q",
    "-x",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:xdist",
    "-p",
    "no:benchmark",
    "--no-header",
    "-m",
    "not slow",
]

_OPERATORS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
    ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
_SWAPPED = {"min": "max", "max": "min", "any": "all", "all": "any", "maximum": "minimum", "minimum": "maximum"}


@dataclass(frozen=True)
class Mutant:
    """A change to one node of one file: the ``number``-th that can be made there."""

    file: str
    number: int
    line: int
    change: str

    @property
    def key(self) -> str:
        return f"{self.file}:{self.line}: {self.change} #{self.number}"


def changes(tree: ast.Module) -> Iterator[tuple[ast.AST, Callable[[], None]]]:
    """Every small change to a tree: the node to show, and what makes the change in place."""
    for node in _code(tree):
        match node:
            case ast.BinOp(op=op) | ast.AugAssign(op=op) | ast.BoolOp(op=op) if type(op) in _OPERATORS:
                yield node, lambda n=node: setattr(n, "op", _OPERATORS[type(n.op)]())
            case ast.Compare(ops=[op]) if type(op) in _OPERATORS:
                yield node, lambda n=node: setattr(n, "ops", [_OPERATORS[type(n.ops[0])]()])
            case ast.UnaryOp(op=ast.Not() | ast.USub()):
                yield node, lambda n=node: setattr(n, "op", ast.UAdd() if isinstance(n.op, ast.USub) else _twice_not(n))
            case ast.Constant(value=bool(value)):
                yield node, lambda n=node, v=value: setattr(n, "value", not v)
            case ast.Constant(value=int(value) | float(value)):
                yield node, lambda n=node, v=value: setattr(n, "value", v + 1)
            case ast.If() | ast.IfExp() | ast.While():
                yield node.test, lambda n=node: setattr(n, "test", _negated(n.test))
            case ast.Name(id=name) if name in _SWAPPED:
                yield node, lambda n=node: setattr(n, "id", _SWAPPED[n.id])
            case ast.Attribute(attr=name) if name in _SWAPPED:
                yield node, lambda n=node: setattr(n, "attr", _SWAPPED[n.attr])
            case ast.Expr(value=ast.Call()):
                yield node, lambda n=node: setattr(n, "value", ast.copy_location(ast.Constant(None), n))
            case _:
                pass


def _twice_not(node: ast.UnaryOp) -> ast.Not:
    node.operand = _negated(node.operand)
    return ast.Not()


def _negated(test: ast.expr) -> ast.expr:
    return ast.copy_location(ast.UnaryOp(ast.Not(), test), test)


def _code(node: ast.AST) -> Iterator[ast.AST]:
    """Nodes that compute: no annotations, decorators, messages, assertions, nor what only type checkers read."""
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "type_params", "decorator_list"):
            continue
        if isinstance(node, ast.keyword) and node.arg == "strict":  # zip's, which only guards
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or isinstance(child, ast.Raise | ast.Assert | ast.JoinedStr):
                continue
            if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
                continue
            if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):  # a docstring
                continue
            yield from _code(child)


def described(path: Path, number: int) -> Mutant:
    """Return a mutant with its place and what it changes."""
    node, change = list(changes(ast.parse(path.read_text())))[number]
    line, before = node.lineno, ast.unparse(node)
    change()
    after = ast.unparse(ast.fix_missing_locations(node))
    if before == after:  # a condition, turned where it stands
        after = f"not ({before})"
    return Mutant(str(path.relative_to(ROOT)), number, line, f"{before[:60]} -> {after[:60]}")


def mutated(mutant: Mutant) -> CodeType:
    """Return the code of a mutant's file; of number -1, as it is."""
    tree = ast.parse((ROOT / mutant.file).read_text())
    if mutant.number >= 0:
        list(changes(tree))[mutant.number][1]()
    return compile(ast.fix_missing_locations(tree), str(ROOT / mutant.file), "exec")


class _Loader(SourceFileLoader):
    code: CodeType

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002
        return self.code


@dataclass
class _Finder(MetaPathFinder):
    """Gives the mutant in the place of its module."""

    module: str
    path: str
    code: CodeType

    def find_spec(self, fullname: str, *_: Any) -> ModuleSpec | None:
        if fullname != self.module:
            return None
        loader = _Loader(fullname, self.path)
        loader.code = self.code
        return importlib.util.spec_from_file_location(fullname, self.path, loader=loader)


def sample(count: int, seed: int) -> list[Mutant]:
    """Draw mutants from all files alike."""
    files = sorted(path for room in ROOMS for path in (ROOT / "convkit" / room).rglob("*.py"))
    every = [(path, number) for path in files for number, _ in enumerate(changes(ast.parse(path.read_text())))]
    drawn = random.Random(seed).sample(every, min(count, len(every)))  # noqa: S311 - no secret
    return [described(*each) for each in drawn]


def make_map(files: Sequence[str]) -> None:
    """Run the fast tests once, or those of some files; keep which lines each runs, and how long it takes."""
    import pytest

    KEPT.mkdir(exist_ok=True)
    os.environ["COVERAGE_FILE"] = str(KEPT / "coverage")
    times = KEPT / "seconds.json"
    seconds: dict[str, float] = json.loads(times.read_text()) if files else {}
    for name in [name for name in seconds if name.partition("::")[0] in files]:
        del seconds[name]

    class Clock:
        def pytest_runtest_logreport(self, report: Any) -> None:
            seconds[report.nodeid] = seconds.get(report.nodeid, 0.0) + report.duration

    where = [f"{folder}/{room}" for room in ROOMS for folder in ("tests", "convkit")]
    where += ["tests/experiment", "tests/probe"]  # which call what has no tests of its own
    measured = [f"--cov=convkit/{room}" for room in ROOMS]
    measured += ["--cov-branch", "--cov-context=test", "--cov-report=", *(["--cov-append"] if files else [])]
    code = pytest.main([*(files or where), *measured, "-q", "-m", "not slow"], plugins=[Clock()])
    if code:
        sys.exit(f"the tests fail without a mutant: {code}")
    times.write_text(json.dumps(seconds))


class Tests:
    """Which tests run a line: those in the file that mirrors the code first, of each the fastest first."""

    def __init__(self) -> None:
        from coverage import CoverageData

        data = CoverageData(str(KEPT / "coverage"))
        data.read()
        self._seconds: dict[str, float] = json.loads((KEPT / "seconds.json").read_text())
        self._of = {str(Path(file).relative_to(ROOT)): data.contexts_by_lineno(file) for file in data.measured_files()}

    def of(self, mutant: Mutant, budget: float = BUDGET) -> tuple[list[str], float]:
        """Return tests and the seconds they took; of lines that run on import, all that run some of the file."""
        lines = self._of.get(mutant.file, {})
        contexts = [context for context in lines.get(mutant.line, []) if context]
        if not contexts:
            contexts = [context for found in lines.values() for context in found if context]
        names = {context.rpartition("|")[0] for context in contexts}
        names &= self._seconds.keys()  # what has been renamed since is no test
        chosen, total = [], 0.0
        for name in sorted(names, key=lambda each: (-_mirrors(each, mutant.file), self._seconds[each], each)):
            total += self._seconds[name]
            if total > budget and chosen:
                break
            chosen.append(name)
        return chosen, min(total, budget)


def _mirrors(test: str, file: str) -> int:
    """How many words of a file's path the test's file has in its own."""
    return len(set(re.findall("[a-z]+", test.partition("::")[0])) & set(re.findall("[a-z]+", file)) - {"py"})


def try_mutant(mutant: Mutant, tests: Sequence[str], seconds: float) -> tuple[str, str]:
    """Run tests on a mutant in a fork; say what became of it, and which test noticed."""
    if not tests:
        return UNTESTED, ""
    told, tell = os.pipe()
    child = os.fork()
    if not child:
        _live(mutant, tests, tell)
    os.close(tell)
    os.set_blocking(told, False)  # what a test has left running may hold the other end
    with os.fdopen(told, "rb") as pipe:
        end = _end(child, seconds)
        return end, (pipe.read() or b"").decode() if end == KILLED else ""


def _end(child: int, seconds: float) -> str:
    """Wait for a mutant."""
    deadline = time.monotonic() + GRACE + SLOWER * seconds
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            code = os.waitstatus_to_exitcode(status)
            # 0 all passed, 5 none collected; a crash, an error on import and a failure are all noticed.
            return {0: SURVIVED, 5: UNTESTED}.get(code, KILLED)
        if time.monotonic() > deadline:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return LATE
        time.sleep(0.02)


def _live(mutant: Mutant, tests: Sequence[str], tell: int) -> None:
    """Be a mutant: never returns."""
    import pytest

    class Herald:
        def pytest_runtest_logreport(self, report: Any) -> None:
            if report.failed:
                os.write(tell, report.nodeid.encode())

    os.setsid()
    quiet = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(quiet, stream)
    module = mutant.file.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
    sys.meta_path.insert(0, _Finder(module, str(ROOT / mutant.file), mutated(mutant)))
    try:
        # Where pytest imports a module for its doctests, it puts that in the place of a function of the same name.
        for room in ROOMS:
            package = importlib.import_module(f"convkit.{room}")
            for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
                importlib.import_module(found.name)
        code = int(pytest.main([*QUIET, *tests], plugins=[Herald()]))
    except BaseException:
        code = 1
    os._exit(code)


def run(count: int, seed: int, record: Path, seconds: float, *, again: bool) -> None:
    """Try what is not yet in the record, or what survived, for so many seconds."""
    for library in LOADED:
        importlib.import_module(library)
    tests = Tests()
    ends = last_ends(record)
    unchanged = Mutant("convkit/recovery/plane.py", -1, 0, "nothing")
    end, by = try_mutant(unchanged, *tests.of(unchanged))
    if end != SURVIVED:
        sys.exit(f"a file without a change is {end} by {by or 'the tests'}: mend that first")
    began = time.monotonic()
    for mutant in sample(count, seed):
        if (mutant.key not in ends or ends[mutant.key] == KILLED) if again else mutant.key in ends:
            continue
        if time.monotonic() - began > seconds:
            break
        chosen, estimate = tests.of(mutant, AGAIN * BUDGET if again else BUDGET)
        start = time.monotonic()
        end, by = try_mutant(mutant, chosen, estimate)
        spent = round(time.monotonic() - start, 1)
        line = {"mutant": mutant.key, "end": end, "by": by, "tests": len(chosen), "seconds": spent}
        with record.open("a") as file:
            file.write(json.dumps(line) + "\n")


def last_ends(record: Path) -> dict[str, str]:
    """What became of each mutant, the last time it was tried."""
    lines = record.read_text().splitlines() if record.exists() else []
    return {line["mutant"]: line["end"] for line in map(json.loads, lines)}


def report(record: Path) -> None:
    """Count what became of the mutants, and list those that no test noticed."""
    ends = last_ends(record)
    counts = Counter(ends.values())
    noticed, late = counts[KILLED] + counts[LATE], counts[LATE]
    print(f"{len(ends)} mutants: {noticed} noticed ({noticed / max(1, len(ends)):.1%}), {late} by the clock alone")
    for mutant, end in ends.items():
        if end != KILLED:
            print(f"{end:9} {mutant}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["map", "run", "again", "report"])
    parser.add_argument("files", nargs="*", help="files of tests, for map")
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seed", type=int, default=20261127)
    parser.add_argument("--record", type=Path, default=KEPT / "record.jsonl")
    parser.add_argument("--seconds", type=float, default=float("inf"))
    given = parser.parse_args()
    os.chdir(ROOT)
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    if given.what == "map":
        make_map(given.files)
    elif given.what in ("run", "again"):
        run(given.count, given.seed, given.record, given.seconds, again=given.what == "again")
    else:
        report(given.record)


if __name__ == "__main__":
    main()
