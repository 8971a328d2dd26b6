"""What worker processes start with: one thread each for linear algebra, and an allocator that keeps its memory."""

import os
from collections.abc import Mapping

# Sums come out with other bits when BLAS shares them among threads, and one process a core needs no more.
THREADS = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
# Dask's own setting (trim above 64 KiB) gives freed arrays back to the system at once; fetching them again made torch
# 4.5 times slower. glibc reads these when a process starts.
ALLOCATOR = {"MALLOC_TRIM_THRESHOLD_": str(2**28), "MALLOC_MMAP_THRESHOLD_": str(2**28)}


class Environment:
    """Variables that are set for the processes started meanwhile; those that the user has set stay.

    Examples
    --------
    >>> kept = Environment({"CONVKIT_EXAMPLE": "1"})
    >>> os.environ["CONVKIT_EXAMPLE"]
    '1'
    >>> kept.restore()
    >>> "CONVKIT_EXAMPLE" in os.environ
    False
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._added = [name for name in variables if name not in os.environ]
        os.environ.update({name: variables[name] for name in self._added})

    def restore(self) -> None:
        """Take back what was set."""
        for name in self._added:
            os.environ.pop(name, None)
        self._added = []
