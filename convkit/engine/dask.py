"""Many tasks on Dask: processes of this machine, or somebody's cluster."""

import contextlib
import logging
import time
from asyncio import CancelledError
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from convkit.engine.batches import Batches
from convkit.engine.environment import ALLOCATOR, THREADS, Environment
from convkit.engine.pairwise import combine_pairwise
from convkit.engine.preflight import check_workers, reporter
from convkit.engine.protocol import Advance, EngineLostError, Outcome
from convkit.errors import SettingsError
from convkit.image.files import is_file
from convkit.text import shown

if TYPE_CHECKING:
    from distributed import Client, Future, LocalCluster, as_completed

Item = TypeVar("Item")
Result = TypeVar("Result")

# Seconds to wait for a scheduler to answer, for its first worker, and for another one when all have gone.
_CONNECT = 10.0
_PATIENCE = 60.0
# Seconds that starting a process in place of a dead one may take.
_START = 10.0
# Seconds between two looks for results, and between two counts of the workers.
_LOOK = 0.005
_COUNT = 2.0
# Tasks for each thread that are with the scheduler at a time: one to run and one to follow it at once. The rest waits
# here, where it costs the scheduler nothing.
_AHEAD = 2
# Ctrl-C on a terminal goes to the workers too; they are ended by their parent, without a traceback each. Nor do they
# tell of a nanny or a scheduler that closed while they were started.
_PRELOAD = f"""
import signal
from {__name__} import _quiet
signal.signal(signal.SIGINT, signal.SIG_IGN)
_quiet()
"""


@dataclass(frozen=True)
class _Batch:
    """What came of a task's items, and how long it took."""

    values: list[Any]
    seconds: float


class _KilledError(EngineLostError):
    """A task whose workers died under it."""

    def __init__(self) -> None:
        super().__init__(
            expected="a task that its worker survives",
            got="one under which several workers died",
            hint="smaller tiles or more memory for a worker",
        )


def _alone(value: Any) -> _Batch:
    return _Batch([value], 0.0)


def _nothing() -> None:
    """Do nothing while waiting."""


def _work_through(work: Callable[[Any], Any], items: list[Any]) -> _Batch:
    began = time.perf_counter()
    return _Batch([work(item) for item in items], time.perf_counter() - began)


class DaskEngine:
    """See `Engine`; results are fetched as they come, and let go of at once, so a dying worker takes few along."""

    def __init__(
        self, client: "Client", cluster: "LocalCluster | None" = None, environment: Environment | None = None
    ) -> None:
        self._client = client
        self._cluster = cluster
        self._environment = environment
        self._threads = 0
        self._known: set[str] = set(client.nthreads())  # they were inspected, or are this engine's own
        self._counted = self._alive = time.monotonic()
        self._count_threads()

    @classmethod
    def local(cls, jobs: int) -> "DaskEngine":
        """Start processes on this machine, which end with the engine or with this process, however that ends."""
        from distributed import Client, LocalCluster

        _quiet()
        # Until `close`, so that a worker that is started in place of a dead one gets them too.
        environment = Environment(THREADS | ALLOCATOR)
        cluster = None
        try:
            cluster = LocalCluster(
                n_workers=jobs,
                threads_per_worker=1,
                processes=True,
                dashboard_address="127.0.0.1:0",  # no fixed port, which another grid may have taken
                host="127.0.0.1",
                silence_logs=logging.CRITICAL,
                preload=[_PRELOAD],
            )
            return cls(Client(cluster, set_as_default=False), cluster, environment)
        except BaseException as error:
            if cluster is not None:
                cluster.close()
            environment.restore()
            if isinstance(error, RuntimeError | OSError):  # such as a process that was killed before it was ready
                raise EngineLostError(
                    expected=f"{jobs} processes to start",
                    got=f"an end of them ({shown(error, 100)})",
                    hint="fewer of them; in a script, the call below: if __name__ == '__main__':",
                ) from error
            raise

    @classmethod
    def connected(cls, where: str, announce: Callable[[str], None] | None = None) -> "DaskEngine":
        """Connect to a running scheduler by its address or its scheduler file.

        Raises
        ------
        SettingsError
            When there is none, it has no workers, or their versions are not those of this process.
        """
        from distributed import Client

        _quiet()
        by_file = "://" not in where
        if by_file and not is_file(where):
            raise SettingsError(
                expected="a scheduler's address, or its scheduler file",
                got=f"{shown(where)}, which is neither",
                hint="--cluster tcp://127.0.0.1:8786",
            )
        try:
            found = {"scheduler_file": where} if by_file else {"address": where}
            client = Client(**found, timeout=_CONNECT, set_as_default=False)
        except (OSError, ValueError) as error:  # a time-out is an OSError
            raise SettingsError(
                expected="a Dask scheduler that answers",
                got=f"none at {shown(where)} within {_CONNECT:g} s",
                hint="dask scheduler --host 127.0.0.1",
            ) from error
        try:
            _inspect(client, where, announce)
            return cls(client)
        except BaseException:
            client.close()
            raise

    def map_unordered(
        self, work: Callable[[Item], Result], items: Sequence[Item], /
    ) -> Generator[Outcome[Result], None, None]:
        """Work on the items in batches; those whose worker dies too often are tried again one at a time.

        Dask blames every task that was on a dying worker, so only a task that ran alone is known to be the cause.
        """
        suspects: list[int] = []
        yield from self._spread(work, items, deque(range(len(items))), suspects)
        for index in suspects:
            alone: list[int] = []
            yield from self._spread(work, items, deque([index]), alone)
            for killer in alone:
                yield Outcome(killer, error="its worker died each time that it ran: out of memory, or a crash")

    def tree_reduce(
        self,
        work: Callable[[Item], Result],
        items: Sequence[Item],
        combine: Callable[[Result, Result], Result],
        advance: Advance | None = None,
        /,
    ) -> Result:
        """Let Dask compute the whole tree: it joins neighbours as soon as they are there, where they are."""
        from dask.delayed import delayed

        started, join = delayed(work, pure=False), delayed(combine, pure=False)
        ended: list[object] = []  # counted in the client's thread, told of in this one

        def end(leaf: "Future[Result]") -> None:
            ended.append(leaf.key)
            leaf.release()  # the scheduler keeps what the tree still needs

        leaves = self._client.compute([started(item) for item in items])
        root = combine_pairwise(map(delayed, leaves), join)
        told = -1

        def tell() -> None:
            nonlocal told
            if advance is not None and len(ended) > told:
                told = len(ended)
                advance(told, len(items))

        with self._results() as done:
            done.add(self._client.compute(delayed(_alone, pure=False)(root)))
            for leaf in leaves:
                leaf.add_done_callback(end)
            value: Result = self._batch(self._next(done, tell)[1]).values[0]
        tell()
        return value

    def close(self) -> None:
        """Close the connection, and end the processes that were started for it."""
        with contextlib.suppress(Exception):  # a scheduler that is gone cannot be told
            self._client.close(timeout=_COUNT)
        if self._cluster is not None:
            _await_replacements(self._cluster)
            self._cluster.close()
        if self._environment is not None:
            self._environment.restore()

    def _spread(
        self, work: Callable[[Item], Result], items: Sequence[Item], waiting: deque[int], suspects: list[int]
    ) -> Generator[Outcome[Result], None, None]:
        """Work on the items that wait, in batches; add those that were on a worker which died too often."""
        batches = Batches()
        running: dict[Future[_Batch], list[int]] = {}
        with self._results() as done:
            while waiting or running:
                while waiting and len(running) < _AHEAD * max(self._threads, 1):
                    size = batches.next_size(len(waiting), max(self._threads, 1))
                    indices = [waiting.popleft() for _ in range(size)]
                    future = self._client.submit(_work_through, work, [items[i] for i in indices], pure=False)
                    running[future] = indices
                    done.add(future)
                future, result = self._next(done)
                indices = running.pop(future)
                future.release()
                try:
                    batch = self._batch(result)
                except _KilledError:
                    suspects += indices
                    continue
                batches.took(len(indices), batch.seconds)
                yield from (Outcome(i, value) for i, value in zip(indices, batch.values, strict=True))

    @contextlib.contextmanager
    def _results(self) -> "Iterator[as_completed]":
        """Collect results with their futures; whatever is not fetched in the end is called off."""
        from distributed import as_completed

        done = as_completed(with_results=True, raise_errors=False, loop=self._client.loop)
        try:
            yield done
        finally:
            left = list(done.futures)
            done.clear()
            if left and self._client.status == "running":
                with contextlib.suppress(Exception):
                    self._client.cancel(left, force=True)

    def _next(self, done: "as_completed", meanwhile: Callable[[], None] = _nothing) -> "tuple[Future[Any], Any]":
        """Wait for a result, as long as there is hope of one."""
        while not done.has_ready():
            meanwhile()
            now = time.monotonic()
            if self._client.status != "running":
                raise _lost("none any more: the connection was lost")
            if now - self._counted > _COUNT:
                self._count_threads()
                if now - self._alive > _PATIENCE:
                    raise _lost(f"one without workers, for {_PATIENCE:g} s")
            time.sleep(_LOOK)
        future, result = next(done)
        return future, result

    def _batch(self, result: Any) -> _Batch:
        """Return what a task returned, or raise what it raised."""
        from distributed import KilledWorker

        if isinstance(result, _Batch):
            return result
        # Errors come as (type, error, traceback), a cancelled future as the error itself.
        error = result[1] if isinstance(result, tuple) else result
        if isinstance(error, KilledWorker):
            raise _KilledError from error
        if self._client.status != "running" or isinstance(error, CancelledError):
            raise _lost("none any more: the connection was lost") from error
        raise error

    def _count_threads(self) -> None:
        """Count the threads of the workers there are: they come and go."""
        try:
            threads = self._client.nthreads()
            if self._cluster is None:
                self._check_newcomers(set(threads))
        except OSError as error:  # the connection's errors are of that kind
            raise _lost("none any more: the connection was lost") from error
        self._threads = sum(threads.values())
        self._counted = time.monotonic()
        if self._threads:
            self._alive = self._counted

    def _check_newcomers(self, workers: set[str]) -> None:
        """See that workers that have joined since are like this process, too: their results might not be."""
        newcomers, self._known = workers - self._known, workers
        if not newcomers:
            return
        reports = self._client.run(reporter(), workers=sorted(newcomers), on_error="ignore")  # it may have left again
        try:
            check_workers(reports)
        except SettingsError as error:
            raise EngineLostError(
                expected=error.expected, got=f"{error.got}, which has just joined", hint=error.hint
            ) from error


def _inspect(client: "Client", where: str, announce: Callable[[str], None] | None) -> None:
    """See that a cluster has workers, and that they are like this process."""
    with contextlib.suppress(TimeoutError):
        client.wait_for_workers(1, timeout=_CONNECT)
    reports: dict[str, Any] = client.run(reporter())
    if not reports:
        raise SettingsError(
            expected=f"a scheduler with workers at {shown(where)}",
            got=f"none within {_CONNECT:g} s",
            hint="OMP_NUM_THREADS=1 dask worker, with the scheduler's address",
        )
    for sentence in check_workers(reports):
        if announce is not None:
            announce(sentence)


def _await_replacements(cluster: "LocalCluster") -> None:
    """Wait for the processes that are being started in place of dead ones, before all are told to end.

    One that is told to end while it starts prints a traceback; and one that was killed right after it had reported to
    its nanny can leave that "running" before the next one has a number, on which Dask's closing fails halfway
    (distributed 2026.8).
    """
    from distributed.core import Status

    scheduler: Any = cluster.scheduler
    until = time.monotonic() + _START
    while time.monotonic() < until:
        nannies = [nanny for nanny in cluster.workers.values() if nanny.status is Status.running]
        if len(scheduler.workers) >= len(nannies) and all(nanny.pid is not None for nanny in nannies):
            break
        time.sleep(_LOOK)


def _lost(got: str) -> EngineLostError:
    return EngineLostError(
        expected="a cluster that lasts to the end",
        got=got,
        hint="the same command again: what was saved by then is kept, and only the rest is done",
    )


def _quiet() -> None:
    """Keep Dask's own tales of lost connections, with tracebacks, off stderr: the engine tells them in a sentence.

    Dask gives several of its loggers a level of their own when it is imported.
    """
    import distributed

    for name in (distributed.__name__, *logging.root.manager.loggerDict):
        if name.split(".")[0] == distributed.__name__:
            logging.getLogger(name).setLevel(logging.CRITICAL)
