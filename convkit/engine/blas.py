"""Linear algebra on one thread, as in the workers: shared among threads, sums may come out with other bits."""

import functools
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController


def one_blas_thread() -> AbstractContextManager[Any]:
    """Hold the linear algebra of this process to one thread for a while.

    Without the extra ``cluster`` there is no other engine to be equal to, and nothing is held.

    Examples
    --------
    >>> with one_blas_thread():
    ...     pass
    """
    controller = _controller()
    return nullcontext() if controller is None else controller.limit(limits=1, user_api="blas")


@functools.cache
def _controller() -> "ThreadpoolController | None":
    """Look for the libraries once: that takes a millisecond, a limit a hundredth of it."""
    import numpy  # noqa: F401  # what is not loaded is not found

    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController()
