"""The manual page, docs/convkit.1, in the macros that every `man` knows."""

import re

from commands import EXIT_CODES, VARIABLES, Command, Option, commands, general

from convkit import __version__

ABOUT = (
    "Given an image and what a filter made of it, learn-kernel finds the filter's kernel, with an error bar on "
    "every tap "
    "and a verdict: is it a linear filter at all? Given a kernel, convolve applies it. compare sets runs side by side, "
    "kernels lists the library. Data goes to stdout, talk to stderr."
)


def pages() -> dict[str, str]:
    """Return the page by its path."""
    return {"docs/convkit.1": _page()}


def _page() -> str:
    lines = [
        '.\\" Made by tools/generated.py from the code; `make generated` writes it anew.',
        f'.TH CONVKIT 1 "" "convkit {__version__}" "User Commands"',
        ".SH NAME",
        r"convkit \- find the filter between two images, and apply kernels",
        ".SH SYNOPSIS",
    ]
    for one in commands():
        lines += [f".B convkit {_escape(one.name)}", _escape(one.usage), ".br"]
    lines += [
        ".SH DESCRIPTION",
        _escape(ABOUT),
        ".SH OPTIONS", *_options(general()),
    ]  # fmt: skip
    for one in commands():
        lines += _command(one)
    lines += [".SH EXIT STATUS"]
    for code, what in EXIT_CODES:
        lines += [".TP", f".B {code}", _escape(what)]
    lines += [".SH ENVIRONMENT"]
    for name, what in VARIABLES:
        lines += [".TP", f".B {name}", _escape(what)]
    return "\n".join(lines) + "\n"


def _command(command: Command) -> list[str]:
    lines = [f'.SH "CONVKIT {_escape(command.name.upper())}"']
    for paragraph in command.paragraphs:
        told, found, example = paragraph.partition(": convkit ")
        if found:
            lines += [".PP", _escape(told) + ":", ".PP", ".nf", ".RS", _escape("convkit " + example), ".RE", ".fi"]
        else:
            lines += [".PP", _escape(paragraph)]
    return lines + _options(command.options)


def _options(options: tuple[Option, ...]) -> list[str]:
    lines = []
    for one in options:
        takes = rf" \fI{_escape(one.metavar)}\fR" if one.metavar else ""
        lines += [".TP", rf"\fB{_escape(one.names)}\fR{takes}", _escape(one.told)]
    return lines


def _escape(text: str) -> str:
    """Write text so that roff takes none of it for its own, in ASCII."""
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq")
    text = re.sub(r"[^\x00-\x7f]", lambda found: f"\\[u{ord(found[0]):04X}]", text)
    return rf"\&{text}" if text.startswith(".") else text
