"""``convkit kernels``: the kernel library."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from convkit.cli import options
from convkit.errors import SettingsError
from convkit.text import choice

if TYPE_CHECKING:
    from convkit.kernel import Entry, Kernel


def kernels(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A kernel's name, or any kernel text.")] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="FORMAT", help="Export: npy, csv, vips, imagemagick, json or text.")
    ] = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="OUT", help="Where to export to (default stdout).")
    ] = None,
    full: options.Full = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """List the kernel library, or show one kernel's taps.

    Example: convkit kernels gaussian:sigma=1.2,size=5 --to vips
    """
    from convkit.kernel import export_kernel, groups, parse_kernel

    if as_json and (to is not None or output is not None):
        raise SettingsError(expected="--json, or an export with --to or -o", got="both", hint="--to json -o k.json")
    if name is None:
        if to is not None or output is not None:
            raise SettingsError(
                expected="the name of a kernel to export", got="none", hint="convkit kernels sobel --to csv"
            )
        if as_json:
            print(json.dumps(_listing(groups()), allow_nan=False))
        elif not quiet:
            from convkit.report.kernels import show_library

            show_library(groups())
        return
    options.typed({"name": name, "to": to, "output": output})
    kernel = parse_kernel(name)
    if to is not None or output is not None:
        _export(export_kernel(kernel, _format(to, output)), output, name)
    elif as_json:
        print(json.dumps(_described(kernel), allow_nan=False))
    elif not quiet:
        from convkit.report.kernels import show_kernel

        show_kernel(kernel, full=full)


def _format(to: str | None, output: str | None) -> str:
    """Return the export format: as asked for, or by the output's suffix."""
    from convkit.kernel import ExportFormat

    if to is not None:
        return choice("--to", to, ExportFormat)
    suffix = Path(output or "").suffix.lower().removeprefix(".")
    return choice("--to", {"txt": "text", "mat": "vips"}.get(suffix, suffix), ExportFormat)


def _export(content: bytes, output: str | None, name: str) -> None:
    from convkit.image import check_writable
    from convkit.report.outputs import put

    if output is not None and output != "-":
        check_writable(output, inputs=[name])
    elif b"\0" in content and sys.stdout.isatty():
        raise SettingsError(expected="a file or a pipe for binary data", got="a terminal", hint="-o kernel.npy")
    put(output or "-", content)


def _listing(library: "dict[str, list[Entry]]") -> dict[str, Any]:
    return {
        "schema": "convkit.kernels/1",
        "groups": {
            group: [
                {
                    "name": entry.name,
                    "signature": entry.signature,
                    "shape": list(entry.shape),
                    "sum": entry.sum,
                    "description": entry.description,
                    "aliases": list(entry.aliases),
                }
                for entry in entries
            ]
            for group, entries in library.items()
        },
    }


def _described(kernel: "Kernel") -> dict[str, Any]:
    return {
        "schema": "convkit.kernel/1",
        "name": kernel.name,
        "taps": kernel.taps.tolist(),
        "bias": kernel.bias,
        "sum": kernel.sum,
        "rank": kernel.rank,
        "separable": kernel.rank <= 1,
    }
