"""What can go wrong through no fault of convkit's, each kind with its exit code."""

from typing import ClassVar


class ConvkitError(Exception):
    """A mistake the user can mend, told in three beats: what was expected, what was got, what to try.

    Parameters
    ----------
    expected, got, hint : str
        Sentence fragments without a final full stop. ``hint`` completes "try …".

    Examples
    --------
    >>> print(ConvkitError(expected="a size of at least 1", got="0", hint="--size 3"))
    expected a size of at least 1; got 0; try --size 3
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, *, expected: str, got: str, hint: str) -> None:
        super().__init__(f"expected {expected}; got {got}; try {hint}")
        self.expected = expected
        self.got = got
        self.hint = hint

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions cross process borders by calling their class with `args`, which keyword-only fields defeat.
        return _rebuild, (type(self), self.expected, self.got, self.hint)


def _rebuild(kind: type[ConvkitError], expected: str, got: str, hint: str) -> ConvkitError:
    return kind(expected=expected, got=got, hint=hint)


class ImageError(ConvkitError):
    """An image that cannot be read, or whose numbers cannot be used."""


class KernelError(ConvkitError):
    """Kernel text, a kernel's name or a kernel file that means nothing to convkit."""


class ShapeError(ConvkitError):
    """Image, kernel and target that do not fit together."""


class SettingsError(ConvkitError):
    """An option or a configuration key out of its range, or unknown."""


class OutputError(ConvkitError):
    """A file that cannot, or must not, be written."""


class MissingExtraError(ConvkitError):
    """An optional dependency that is not installed."""


class ProgramError(ConvkitError):
    """Somebody else's program that cannot be run, or does not do what a filter of pictures does."""
