"""From what a user asks for to an engine."""

from collections.abc import Callable

from convkit.engine.protocol import Engine
from convkit.engine.serial import SerialEngine
from convkit.errors import MissingExtraError, SettingsError
from convkit.text import shown

# More processes than this on one machine are a slip of the finger.
_MOST_JOBS = 1024


def open_engine(
    jobs: int | None = None, cluster: str | None = None, *, announce: Callable[[str], None] | None = None
) -> Engine:
    """Start an engine, or connect to one; the caller closes it.

    Parameters
    ----------
    jobs : int, optional
        So many processes on this machine.
    cluster : str, optional
        A running Dask scheduler: its address (``tcp://host:8786``) or scheduler file. Without both, the work is done
        in this process.
    announce : function, optional
        Called with one sentence when the workers are not set up as they should be.

    Raises
    ------
    SettingsError
        When both are given, or the cluster cannot be used as it is.
    MissingExtraError
        When Dask is not installed.

    Examples
    --------
    >>> open_engine().tree_reduce(float, ["1", "2"], max)
    2.0
    """
    if jobs is None and cluster is None:
        return SerialEngine()
    if jobs is not None and cluster is not None:
        raise SettingsError(
            expected="--jobs or --cluster", got="both", hint=f"--cluster {cluster}, whose workers are its own"
        )
    if jobs is not None and not 1 <= jobs <= _MOST_JOBS:
        raise SettingsError(
            expected=f"--jobs as a number of processes from 1 to {_MOST_JOBS}", got=shown(jobs), hint="--jobs 2"
        )
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            expected="Dask for " + ("--jobs" if jobs is not None else "--cluster"),
            got="an installation without it",
            hint="pip install 'convkit[cluster]', or leaving the option out",
        ) from error
    from convkit.engine.dask import DaskEngine

    return DaskEngine.local(jobs) if jobs is not None else DaskEngine.connected(str(cluster), announce)
