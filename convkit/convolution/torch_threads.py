"""PyTorch on threads of ours, one of its own each, or on all of its own."""

import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Let this thread and new ones use one thread of torch's each, where work is shared out by `convkit.threads`.

    Several threads may be in here at once; the last one to leave has the usual number back. In a forked child torch's
    threads would wait for ever for those of the parent.
    """
    import torch

    with _torch_threads.lock:
        if not _torch_threads.users:
            _torch_threads.usual = torch.get_num_threads()
        _torch_threads.users += 1
        torch.set_num_threads(1)
    try:
        yield
    finally:
        with _torch_threads.lock:
            _torch_threads.users -= 1
            torch.set_num_threads(_torch_threads.usual)


def all_torch_threads() -> AbstractContextManager[None]:
    """Leave torch its threads, for work that ours do not share; a forked child only has one."""
    return one_torch_thread() if _torch_threads.forked else nullcontext()


def of_ours() -> None:
    """Say on a thread of ours that torch should keep to it: a new one would start all of torch's at first."""
    import torch

    torch.get_num_threads()


class _TorchThreads:
    """How many threads torch usually has, and how many of ours hold it to one."""

    def __init__(self, *, forked: bool = False) -> None:
        self.lock = threading.Lock()
        self.users, self.usual = 0, 1
        self.forked = forked


_torch_threads = _TorchThreads()


def _begin_anew() -> None:
    """Begin anew, as a forked child does, in which none of the threads goes on."""
    global _torch_threads
    _torch_threads = _TorchThreads(forked=True)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
