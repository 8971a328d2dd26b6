"""The reference pages of the commands, their settings and the library's public names: docs/reference/*.md."""

import html
import inspect
import re
import textwrap
from collections.abc import Iterable

from commands import EXIT_CODES, VARIABLES, Command, Option, commands

import convkit
from convkit import Experiment
from convkit.experiment.record import Saved

WIDTH = 88
MADE = "<!-- Made by tools/generated.py from the code; `make generated` writes it anew. -->\n"


def pages() -> dict[str, str]:
    """Return each page's text by its path."""
    made = {f"docs/reference/{one.name}.md": _command(one) for one in commands()}
    return made | {"docs/reference/settings.md": _settings(), "docs/reference/python.md": _python()}


def _command(command: Command) -> str:
    arguments = [one for one in command.options if one.argument]
    options = [one for one in command.options if not one.argument]
    parts = [
        f"# convkit {command.name}",
        MADE,
        command.summary,
        f"```text\nconvkit {command.name} {command.usage}\n```",
    ]
    parts += [_paragraph(one) for one in command.paragraphs[1:]]
    if arguments:
        parts += ["## Arguments", _definitions(arguments)]
    return "\n\n".join([*parts, "## Options", _definitions(options)]) + "\n"


def _paragraph(text: str) -> str:
    """Show an example as a block, and anything else as it is."""
    told, found, example = text.partition(": convkit ")
    return f"{told}:\n\n```sh\nconvkit {example}\n```" if found else html.escape(text, quote=False)


def _definitions(options: Iterable[Option]) -> str:
    return "\n\n".join(f"`{_typed(one)}`\n:   {_told(one)}" for one in options)


def _typed(option: Option) -> str:
    return f"{option.names} {option.metavar}".strip()


def _told(option: Option) -> str:
    notes = []
    if option.required and not option.argument:
        notes.append("Required.")
    if option.repeated and "repeat" not in option.told and not option.argument:
        notes.append("May be repeated.")
    return " ".join([html.escape(option.told, quote=False).replace("*", r"\*"), *notes])


def _settings() -> str:
    told = {option.key: option for one in commands() if one.name == "learn-kernel" for option in one.options}
    rows = []
    for key, field in Experiment.model_fields.items():
        default = "" if field.default is None else f"`{_toml(field.default)}`"
        rows.append(f"| `{key}` | {default} | {html.escape(told[key].told, quote=False).replace('|', '&#124;')} |")
    codes = "\n".join(f"| {code} | {what} |" for code, what in EXIT_CODES)
    variables = "\n".join(f"| `{name}` | {what} |" for name, what in VARIABLES)
    return f"""# Settings, variables, exit codes

{MADE}
## Keys of a configuration file

A file for `--config`, or for `compare`, is TOML with these keys: the long options with underscores. What is typed beats
the environment, which beats the file, which beats the default. An unknown key is refused, with the nearest one that
there is.

| key | default | what it sets |
|---|---|---|
{chr(10).join(rows)}

A table `[vary]` makes a grid of it: each key a list of values, or a range as text.

```toml
image = "noise"
kernel = "sobel"
solver = "exact"

[vary]
noise = [0.01, 0.1]
seed = "0:10"
```

## Environment variables

| variable | what it does |
|---|---|
{variables}

## Exit codes

| code | meaning |
|---|---|
{codes}
"""


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[]"
    return f'"{value}"' if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)


def _python() -> str:
    """Return the public names with their docstrings, whose examples the tests run."""
    parts = [
        "# Python", MADE,
        "`import convkit` loads neither torch nor NumPy; names are imported when first used. Every example "
        "below runs as "
        "a test.",
    ]  # fmt: skip
    for name in convkit.__all__:
        thing = getattr(convkit, name)
        parts += [f"## {name}", f"```python\n{_signature(name, thing)}\n```", _documentation(thing)]
        if inspect.isclass(thing):
            for member, value in _members(thing):
                parts += [f"### {name}.{member}", _documentation(value)]
    return "\n\n".join(parts) + "\n"


def _members(thing: type) -> list[tuple[str, object]]:
    """Return what a class offers under names of its own, with docstrings, in the order of the source."""
    found = []
    for one in [thing, *thing.__mro__[1:]]:
        if one.__module__.startswith("convkit"):
            for name, value in vars(one).items():
                value = getattr(value, "__func__", value)
                documented = isinstance(value, property) or inspect.isfunction(value)
                if documented and not name.startswith("_") and value.__doc__ and name not in dict(found):
                    found.append((name, value))
    return found


def _signature(name: str, thing: object) -> str:
    if inspect.isclass(thing) and issubclass(thing, Experiment | Saved):
        return f"{name}(**{'settings' if thing is Experiment else 'fields'})"
    # The docstring tells the types, in words.
    parameters = [one.replace(annotation=one.empty) for one in inspect.signature(thing).parameters.values()]  # type: ignore[arg-type]
    text = re.sub(r"<\w+\.\w+: ('[^']*')>", r"\1", f"{name}{inspect.Signature(parameters)}")
    if len(text) <= WIDTH:
        return text
    lines = textwrap.wrap(text[len(name) + 1 : -1], WIDTH - 4, break_long_words=False)
    return f"{name}(\n" + "".join(f"    {line}\n" for line in lines) + ")"


def _documentation(thing: object) -> str:
    """Turn a NumPy docstring into Markdown: sections become bold lines, examples and tables of parameters blocks."""
    lines = (inspect.getdoc(thing) or "").splitlines()
    out: list[str] = []
    block: list[str] = []
    section = ""

    def close() -> None:
        text = "\n".join(block).strip("\n")
        if text:
            language = "pycon" if section == "Examples" or text.startswith(">>>") else "text"
            out.append(f"```{language}\n{text}\n```" if section else _prose(text))
        block.clear()

    for index, line in enumerate(lines):
        if index + 1 < len(lines) and re.fullmatch(r"-{3,}", lines[index + 1]):
            close()
            section = line
            out.append(f"**{section}**")
        elif not re.fullmatch(r"-{3,}", line):
            block.append(line)
    close()
    return "\n\n".join(out)


def _prose(text: str) -> str:
    parts = []
    for paragraph in re.split(r"\n\s*\n", text):
        if paragraph.lstrip().startswith(">>>"):
            parts.append(f"```pycon\n{paragraph}\n```")
        else:
            parts.append(html.escape(paragraph.replace("``", "`"), quote=False).replace("*", r"\*"))
    return "\n\n".join(parts)
