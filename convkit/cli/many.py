"""Several images in one command: where each goes, and what became of it."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from convkit.errors import ConvkitError, OutputError, SettingsError

Plan = Sequence[tuple[str, str]]


def planned(images: list[str], output: str | None, kernels: list[str]) -> Plan:
    """Pair each image with the file to write: in the folder under its own name, or here with the kernel's added.

    Raises
    ------
    SettingsError
        When the output is no folder, an image has no name to keep, or two would go to one file.
    """
    from convkit.image import EXACT_SUFFIXES, PICTURE_SUFFIXES

    known = (*PICTURE_SUFFIXES, *EXACT_SUFFIXES)
    if (
        output is not None
        and not output.endswith("/")
        and (
            output == "-"
            or Path(output).is_file()
            or (Path(output).suffix.lower() in known and not Path(output).is_dir())
        )
    ):
        raise SettingsError(expected="a folder for several images", got=f"-o {output}", hint="-o out/")
    plan: dict[str, str] = {}
    for image in images:
        path = Path(image)
        if not path.name or image == "-":
            raise SettingsError(expected="files, where several images are given", got=image or "''", hint="one alone")
        suffix = path.suffix.lower() if path.suffix.lower() in known else ".png"
        name = f"{path.stem}.{'-'.join(kernels)}.png" if output is None else path.stem + suffix
        target = name if output is None else str(Path(output) / name)
        if target in plan:
            raise SettingsError(
                expected="images of different names",
                got=f"{plan[target]} and {image}",
                hint="one folder after the other",
            )
        plan[target] = image
    if output is not None:
        try:
            Path(output).mkdir(exist_ok=True)
        except OSError as error:
            raise OutputError(
                expected="a folder to write into", got=f"{output} ({error.strerror})", hint="making it first"
            ) from error
    return [(image, target) for target, image in plan.items()]


def filter_many(
    plan: Plan, one: Callable[[str, str], dict[str, Any]], *, as_json: bool, quiet: bool
) -> list[tuple[str, ConvkitError]]:
    """Filter every image, as many at a time as there are cores; one that fails does not keep the others.

    Returns
    -------
    list of (image, error)
        Those that failed.
    """
    from convkit.report.convolution import show_failures, show_many
    from convkit.report.progress import amount_progress
    from convkit.threads import thread_count

    reports: list[dict[str, Any]] = []
    failures: list[tuple[str, ConvkitError]] = []
    with amount_progress("filtering", len(plan), quiet=quiet) as advance, ThreadPoolExecutor(thread_count()) as pool:
        running = [pool.submit(one, image, target) for image, target in plan]
        try:
            for (image, _), future in zip(plan, running, strict=True):
                try:
                    reports.append({"image": image, **future.result()})
                except ConvkitError as error:
                    failures.append((image, error))
                advance(1)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if as_json:
        failed = [{"image": image, "expected": e.expected, "got": e.got, "hint": e.hint} for image, e in failures]
        record = {"schema": "convkit.convolutions/1", "images": reports, "failed": failed}
        print(json.dumps(record, allow_nan=False))
    else:
        show_many(reports, len(plan), quiet=quiet)
    show_failures(failures)
    return failures
