"""An end that a signal asks for is in order, and comes: temporary files go, and programs that were started end."""

import contextlib
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

# Seconds after which an end that was asked for, and was ignored, is asked for again; and where that is known at once.
_LATER, _SOON = 1.0, 0.01


class Asked(SystemExit):
    """A signal asks to end."""


class Ending:
    """Turns signals into exceptions until they have their way.

    Some code lets no exception through: a library's finaliser, or pydantic's serialisers, which take a Ctrl-C for a
    value that they cannot serialise. So the exception is raised anew as long as none of the kind is being handled:
    what cleans up on its way out is not disturbed.
    """

    def __init__(self) -> None:
        self._asked: int | None = None
        self._over = False

    def prepare(self) -> None:
        """Take over what ends the process; what was ignored before, as SIGHUP by nohup, stays so."""
        sys.unraisablehook = self._unheard
        for name, default in (
            ("SIGINT", signal.default_int_handler),
            ("SIGTERM", signal.SIG_DFL),
            ("SIGHUP", signal.SIG_DFL),
        ):
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is default:
                signal.signal(number, self._ask)

    def leave_if_asked(self) -> None:
        """End at once if a signal asked for it, and its exception came out as another one.

        The import of a library in C does that, with a module that is half built: ending in order would end in a crash.
        """
        if self._asked is not None:
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(OSError, ValueError):
                    stream.flush()
            os._exit(128 + self._asked)

    def over(self) -> None:
        """Insist no more: the program is at its end, where a timer would kill it."""
        self._over = True
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0.0)

    def _ask(self, number: int, _: FrameType | None) -> NoReturn:
        self._asked = number
        self._insist_in(_LATER)
        raise _exception(number)

    def _insist_in(self, seconds: float) -> None:
        if hasattr(signal, "setitimer") and not self._over:
            signal.signal(signal.SIGALRM, self._insist)
            signal.setitimer(signal.ITIMER_REAL, seconds)

    def _insist(self, _: int, __: FrameType | None) -> None:
        self._insist_in(_LATER)
        if self._asked is not None and not self._over and not _under_way():
            raise _exception(self._asked)

    def _unheard(self, ignored: "sys.UnraisableHookArgs") -> None:
        # Whatever else complains once an end was asked for was torn in the middle by it, half built as it was.
        if self._asked is None:
            sys.__unraisablehook__(ignored)
        elif isinstance(ignored.exc_value, KeyboardInterrupt | Asked):
            self._insist_in(_SOON)


def _exception(number: int) -> BaseException:
    return KeyboardInterrupt() if number == signal.SIGINT else Asked(128 + number)


def _under_way() -> bool:
    """Whether such an exception is being handled where the signal came, or a generator is being closed, as by one."""
    error = sys.exc_info()[1]
    while error is not None and not isinstance(error, KeyboardInterrupt | Asked | GeneratorExit):
        error = error.__context__
    return error is not None
