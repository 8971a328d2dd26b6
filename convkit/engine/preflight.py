"""Are the workers of a cluster like this process? Asked before the work, where the answer is still readable."""

import os
from collections.abc import Callable, Mapping
from typing import Any

from convkit.errors import SettingsError

Report = Mapping[str, str | None]


def reporter() -> Callable[[], dict[str, str | None]]:
    """Return a function that tells what a process has.

    It is a closure, which is sent as code: a worker without convkit can run it too.

    Examples
    --------
    >>> sorted(reporter()())
    ['MALLOC_TRIM_THRESHOLD_', 'OMP_NUM_THREADS', 'convkit', 'numpy', 'python']
    """

    def report() -> dict[str, str | None]:
        import os
        import platform

        found: dict[str, str | None] = {"python": ".".join(platform.python_version_tuple()[:2])}
        for name in ("convkit", "numpy"):
            try:
                found[name] = __import__(name).__version__
            except ImportError:
                found[name] = None
        for name in ("OMP_NUM_THREADS", "MALLOC_TRIM_THRESHOLD_"):
            found[name] = os.environ.get(name)
        return found

    return report


def check_workers(reports: Mapping[str, Any]) -> list[str]:
    """Compare what workers told with this process; return what is allowed but not good, in sentences.

    Raises
    ------
    SettingsError
        When a version differs: results would not be those of this process, or not come back at all.

    Examples
    --------
    >>> check_workers({"tcp://a": reporter()() | {"OMP_NUM_THREADS": "8", "MALLOC_TRIM_THRESHOLD_": None}})
    ['1 of 1 workers run BLAS in several threads: last bits may differ (OMP_NUM_THREADS=1 dask worker …)']
    """
    here = reporter()()
    for address, report in reports.items():
        for name in ("convkit", "numpy", "python"):
            if report[name] != here[name]:
                raise SettingsError(
                    expected=f"{name} {here[name]} on every worker, as here",
                    got=f"{report[name] or 'none'} on {address}",
                    hint="workers started from the same environment",
                )
    threaded = sum(
        report["OMP_NUM_THREADS"] != (os.environ.get("OMP_NUM_THREADS") or "1") for report in reports.values()
    )
    trimming = sum((report["MALLOC_TRIM_THRESHOLD_"] or "") == "65536" for report in reports.values())
    said = []
    if threaded:
        said.append(
            f"{threaded} of {len(reports)} workers run BLAS in several threads: last bits may differ "
            "(OMP_NUM_THREADS=1 dask worker …)"
        )
    if trimming:
        said.append(
            f"{trimming} of {len(reports)} workers give freed memory back at once, Dask's default, which slows torch "
            f"several times (MALLOC_TRIM_THRESHOLD_={2**28} MALLOC_MMAP_THRESHOLD_={2**28} dask worker …)"
        )
    return said
