"""Talk: one line on stderr, and file names that cannot break it."""

import sys


def say(line: str) -> None:
    """Print talk, which is not data, on stderr."""
    print(line, file=sys.stderr)


def printable(text: object) -> str:
    r"""Write a name so that it can neither break a line nor command a terminal.

    Examples
    --------
    >>> printable("photo.png"), printable("new\nline.png")
    ('photo.png', "'new\\nline.png'")
    """
    written = str(text)
    return written if written.isprintable() else repr(written)
