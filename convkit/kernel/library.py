"""The library: names to kernels, from the table of fixed kernels and the families."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from convkit.errors import KernelError
from convkit.kernel.kernel import Kernel
from convkit.kernel.recipe import Parameter, Recipe, Taps, Value, choice, turn, written
from convkit.kernel.rotation import rotated
from convkit.text import Call, closest, number, parse_call, shown

_GROUPS = (
    "basics", "smoothing", "sharpening", "gradients", "laplacians", "frei-chen",
    "matlab", "octave", "imagemagick", "pillow", "opencv", "scipy", "skimage", "kornia", "vips",
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One line of the library's listing; size and sum are those with the default parameters.

    Attributes
    ----------
    name, signature : str
        Canonical name, alone and with parameters and their defaults (``gaussian:sigma=1,size=auto``).
    shape : tuple of int
        Rows and columns.
    sum : float
        Sum of the taps.
    description : str
        What it does, and where its numbers come from.
    aliases : tuple of str
        Other names for it; some of them set parameters.
    """

    name: str
    signature: str
    shape: tuple[int, int]
    sum: float
    description: str
    aliases: tuple[str, ...]


def named_kernel(text: str) -> Kernel:
    """Look up a kernel by name, with parameters after a colon.

    Parameters
    ----------
    text : str
        ``sobel``, ``box:5``, ``gaussian:sigma=1.2,size=9``, ``pillow/emboss``. Capitals do not matter, nor
        does ``_`` for ``-``. Parameters are taken in the order of the signature, or by name. Every fixed
        kernel takes ``angle``, in degrees clockwise: multiples of 45 for 3×3 kernels, of 90 for others.

    Returns
    -------
    Kernel
        Its ``name`` is canonical: aliases resolved, parameters in order, defaults left out.

    Raises
    ------
    KernelError
        When the name or a parameter is unknown, or a value is out of range.

    Examples
    --------
    >>> print(named_kernel("sobel"), named_kernel("sobel:angle=90"))
    -1,0,1;-2,0,2;-1,0,1 -1,-2,-1;0,0,0;1,2,1
    >>> named_kernel("gaussian: size=9, sigma=1.2").name
    'gaussian:sigma=1.2,size=9'
    """
    call = _read_call(text)
    recipe, call = _resolved(call)
    values = _values(recipe, call)
    taps = np.asarray(recipe.build(**values), dtype=np.float64)
    given = [
        f"{parameter.name}={written(values[parameter.name])}"
        for parameter in recipe.parameters
        if values[parameter.name] != parameter.default
    ]
    return Kernel(taps, _call_text(recipe.name, given), recipe.bias)


def fixed_kernels() -> list[str]:
    """Name every kernel of the table, with its types, none of them turned.

    Examples
    --------
    >>> [name for name in fixed_kernels() if name.startswith("imagemagick/lap")][:3]
    ['imagemagick/laplacian:type=0', 'imagemagick/laplacian:type=1', 'imagemagick/laplacian:type=2']
    """
    table: Mapping[str, Mapping[str, Any]] = _table()["kernels"]
    return [
        f"{name}:type={kind}" if kind else name for name, entry in table.items() for kind in entry.get("types", ("",))
    ]


def is_known(text: str) -> bool:
    """Whether kernel text begins with a name of the library.

    Examples
    --------
    >>> is_known("Gaussian:sigma=2"), is_known("./gaussian")
    (True, False)
    """
    name = _read_call(text).name
    return name in _table()["kernels"] or name in _aliases() or name in _families()


def unknown_kernel(text: str) -> KernelError:
    """Make the error for text that is neither numbers, nor a name, nor a file."""
    name = re.split(r"[,;\s]", _read_call(text).name)[0]
    near = closest(name, [*_names(), *_aliases()])
    return KernelError(
        expected="kernel text: numbers, a name of the library, or a file that exists",
        got=shown(text),
        hint=f"'{near}'" if near else "'1,-1', 'sobel', or `convkit kernels` for all names",
    )


def groups() -> dict[str, list[Entry]]:
    """List the whole library, by group.

    Examples
    --------
    >>> [entry.signature for entry in groups()["smoothing"]][:3]
    ['box:size=3', 'binomial:size=3', 'tent:size=5']
    """
    listing: dict[str, list[Entry]] = {group: [] for group in _GROUPS}
    for recipe in map(_recipe, _names()):
        listing[recipe.group].append(_entry(recipe))
    return listing


def _entry(recipe: Recipe) -> Entry:
    kernel = named_kernel(recipe.name)
    shown_parameters = [
        parameter.signature
        for parameter in recipe.parameters
        # Half of the fixed kernels look the same from everywhere; an angle there would only be noise.
        if parameter.name != "angle" or _turns(kernel.taps)
    ]
    return Entry(
        name=recipe.name,
        signature=_call_text(recipe.name, shown_parameters),
        shape=kernel.shape,
        sum=kernel.sum,
        description=recipe.about,
        aliases=tuple(alias for alias, target in _aliases().items() if parse_call(target).name == recipe.name),
    )


def _turns(taps: Taps) -> bool:
    return not np.array_equal(taps, rotated(taps, _step(taps)))


def _step(taps: Taps) -> int:
    return 45 if taps.shape == (3, 3) else 90


def _read_call(text: str) -> Call:
    call = parse_call(text.strip())
    name = call.name.lower().replace("_", "-")
    if name.startswith("imagemagick/"):
        # There "0x1.2" is another way of writing "0,1.2".
        call = parse_call(re.sub(r"(?<=[0-9])x(?=[0-9.])", ",", text))
    return Call(name, call.positional, call.named)


def _resolved(call: Call) -> tuple[Recipe, Call]:
    """Find the recipe of a name or an alias; an alias's settings join those of the call."""
    if call.name in _aliases():
        target = parse_call(_aliases()[call.name])
        for name in call.named.keys() & target.named.keys():
            raise KernelError(
                expected=f"no {name} for kernel '{call.name}', which sets it itself",
                got=shown(f"{name}={call.named[name]}"),
                hint=f"'{target.name}:{name}={call.named[name]}'",
            )
        return _recipe(target.name), Call(call.name, call.positional, {**target.named, **call.named})
    return _recipe(call.name), call


def _values(recipe: Recipe, call: Call) -> dict[str, Value]:
    """Read every parameter of a recipe from a call, defaults where nothing was given."""
    names = [parameter.name for parameter in recipe.parameters]
    # An alias may have set a parameter already; what is given without a name goes to the others.
    free = [name for name in names if name not in call.named]
    if len(call.positional) > len(free):
        raise KernelError(
            expected=f"no more values for kernel '{call.name}' than it has parameters ({', '.join(free) or 'none'})",
            got=", ".join(shown(value) for value in call.positional),
            hint=f"'{_signature(recipe)}'",
        )
    texts = {**dict(zip(free, call.positional, strict=False)), **call.named}
    for name in texts:
        if name not in names:
            raise KernelError(
                expected=f"a parameter of kernel '{recipe.name}' ({', '.join(names) or 'it has none'})",
                got=shown(name),
                hint=f"'{closest(name, names) or _signature(recipe)}'",
            )
    return {
        parameter.name: _value(recipe, parameter, texts[parameter.name])
        if parameter.name in texts
        else parameter.default
        for parameter in recipe.parameters
    }


def _value(recipe: Recipe, parameter: Parameter, text: str) -> Value:
    if text == "auto" and parameter.default is None:
        return None
    try:
        return parameter.read(text)
    except ValueError as error:
        raise KernelError(
            expected=f"{parameter.name} of kernel '{recipe.name}' to be {parameter.allowed}",
            got=shown(text),
            hint=f"'{_signature(recipe)}'",
        ) from error


def _signature(recipe: Recipe) -> str:
    return _call_text(recipe.name, [parameter.signature for parameter in recipe.parameters])


def _call_text(name: str, parameters: list[str]) -> str:
    return f"{name}:{','.join(parameters)}" if parameters else name


def _names() -> list[str]:
    """Name all recipes, those of the table first."""
    return [*_table()["kernels"], *_families()]


@cache
def _recipe(name: str) -> Recipe:
    """Find a recipe by its canonical name."""
    entry = _table()["kernels"].get(name)
    if entry:
        return _fixed(name, entry)
    if name not in _families():
        raise unknown_kernel(name)
    return _families()[name]


@cache
def _families() -> Mapping[str, Recipe]:
    from convkit.kernel import dialects, families, imagemagick, opencv

    parametric = [*families.FAMILIES, *dialects.FAMILIES, *imagemagick.FAMILIES, *opencv.FAMILIES]
    return {recipe.name: recipe for recipe in parametric}


@cache
def _aliases() -> Mapping[str, str]:
    aliases: Mapping[str, str] = _table()["aliases"]
    return aliases


@cache
def _table() -> dict[str, Any]:
    import tomllib
    from pkgutil import get_data

    return tomllib.loads((get_data("convkit.kernel", "library.toml") or b"").decode())


def _fixed(name: str, entry: Mapping[str, Any]) -> Recipe:
    """Make the recipe of a kernel of the table: its taps, chosen by type if there are several, and turned."""
    from convkit.kernel.parse import parse_taps

    texts: Mapping[str, str] = entry.get("types") or {"": entry["taps"]}
    taps = {key: parse_taps(text) for key, text in texts.items()}
    angle = turn(max(map(_step, taps.values())))

    def build(angle: int, type: str = "") -> Taps:  # noqa: A002
        return rotated(taps[type], angle)

    return Recipe(
        name=name,
        group=entry.get("group") or name.partition("/")[0],
        about=entry["about"],
        parameters=(choice("type", tuple(taps)), angle) if "types" in entry else (angle,),
        build=build,
        bias=number(entry.get("bias", "0")) or 0.0,
    )
