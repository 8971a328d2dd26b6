"""The library: its names, parameters, listing and faults."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convkit.errors import KernelError
from convkit.kernel import Entry, groups, is_known, named_kernel, parse_kernel

ENTRIES = {entry.name: entry for group in groups().values() for entry in group}


def test_the_listing_is_complete_and_in_groups():
    assert list(groups())[:3] == ["basics", "smoothing", "sharpening"]
    assert all(groups().values())
    assert sum(map(len, groups().values())) == len(ENTRIES) > 90
    for group, entries in groups().items():
        for entry in entries:
            assert "/" not in entry.name or entry.name.startswith(f"{group}/")


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=lambda entry: entry.name)
def test_an_entry_tells_of_its_kernel(entry):
    kernel = parse_kernel(entry.name)
    assert kernel.name == entry.name
    assert (entry.shape, entry.sum) == (kernel.shape, kernel.sum)
    assert entry.description
    assert parse_kernel(entry.signature).taps.tolist() == kernel.taps.tolist()
    assert parse_kernel(entry.signature).name == entry.name  # defaults are left out


@pytest.mark.parametrize(
    ("alias", "name"), [(alias, entry.name) for entry in ENTRIES.values() for alias in entry.aliases]
)
def test_an_alias_leads_to_its_entry(alias, name):
    assert alias not in ENTRIES
    assert named_kernel(alias).name.partition(":")[0] == name


def test_an_entry_shows_an_angle_only_where_turning_changes_something():
    assert ENTRIES["sobel"] == Entry(
        name="sobel",
        signature="sobel:angle=0",
        shape=(3, 3),
        sum=0.0,
        description=ENTRIES["sobel"].description,
        aliases=ENTRIES["sobel"].aliases,
    )
    assert ENTRIES["outline"].signature == "outline"
    assert parse_kernel("outline:angle=90").taps.tolist() == parse_kernel("outline").taps.tolist()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("box", "box"),
        ("box:5", "box:size=5"),
        ("box:3", "box"),
        ("box:size=3x5", "box:size=3x5"),
        ("average:5", "box:size=5"),
        ("average:size=5", "box:size=5"),
        ("BOX: size = 5", "box:size=5"),
        ("sobel:90", "sobel:angle=90"),
        ("sobel:angle=-90", "sobel:angle=270"),
        ("sobel:angle=360", "sobel"),
        ("sobel-y", "sobel:angle=90"),
        ("top-sobel", "sobel:angle=270"),
        ("gaussian:1.50", "gaussian:sigma=1.5"),
        ("gaussian:sigma=3/2,size=auto", "gaussian:sigma=1.5"),
        ("gaussian5", "binomial:size=5"),
        ("skimage/farid_h", "farid:angle=90"),
        ("imagemagick/FreiChen:13", "imagemagick/freichen:type=13"),
        ("imagemagick/gaussian:0x1.2", "imagemagick/gaussian:sigma=1.2"),
        ("imagemagick/rectangle:4x2", "imagemagick/rectangle:width=4,height=2"),
        ("shift:-1,2", "shift:dy=-1,dx=2"),
    ],
)
def test_names_are_made_canonical(text, name):
    assert named_kernel(text).name == name
    assert named_kernel(name).taps.tolist() == named_kernel(text).taps.tolist()


def test_is_known_knows_names_aliases_and_nothing_else():
    assert is_known("sobel")
    assert is_known("Sobel_Y")
    assert is_known("gaussian:whatever")
    assert not is_known("./sobel")
    assert not is_known("sobel.csv")
    assert not is_known("")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("sobell", "got 'sobell'; try 'sobel'"),
        ("pillow/embos", "try 'pillow/emboss'"),
        ("box:size=0", "expected size of kernel 'box' to be N or ROWSxCOLUMNS, from 1 to 4096; got '0'"),
        ("box:5000", "got '5000'"),
        ("box:3x", "got '3x'"),
        ("box:three", "got 'three'"),
        ("box:3,4", "no more values for kernel 'box' than it has parameters.*got '3', '4'"),
        ("box:3,size=5", "got '3'"),
        ("box:sise=5", "expected a parameter of kernel 'box'.*got 'sise'; try 'size'"),
        ("box:colour=red", "got 'colour'; try 'box:size=3'"),
        ("box:,", "got '', ''"),
        ("unsharp:size=4", "odd, from 1 to 4096; got '4'"),
        ("kornia/laplacian:3x4", "odd.*got '3x4'"),
        ("gaussian:sigma=0", "a number from 0.01 to 1000000; got '0'"),
        ("gaussian:sigma=-1", "got '-1'"),
        ("gaussian:sigma=", "got ''"),
        ("gaussian:sigma=nan", "got 'nan'"),
        ("gaussian:sigma=1e400", "got '1e400'"),
        ("gaussian:sigma=600", "at most 4096 taps on a side; got a spread of 600 pixels, which takes 4801"),
        ("gaussian:sigma=auto", "got 'auto'"),
        ("log:sigma=1000", "got a spread of 1000 pixels"),
        ("imagemagick/blur:sigma=2000", "got a spread of 2000 pixels"),
        ("imagemagick/blur:3000,1", "from 0 to 2047; got '3000'"),
        ("imagemagick/binomial:9", "from 1 to 8; got '9'"),
        ("imagemagick/laplacian:4", "one of 0, 1, 2, 3, 5, 7, 15, 19; got '4'"),
        ("imagemagick/blur:0,1,45", "a multiple of 90 degrees; got '45'"),
        ("sobel:angle=30", "a multiple of 45 degrees; got '30'"),
        ("farid:angle=45", "a multiple of 90 degrees; got '45'"),
        ("sobel:angle=x", "got 'x'"),
        ("sobel-y:angle=45", "no angle for kernel 'sobel-y', which sets it itself; got 'angle=45'"),
        ("sobel-y:45", "no more values for kernel 'sobel-y'"),
        ("shift:dy=1.5", "a whole number from -2047 to 2047; got '1.5'"),
        ("opencv/sobel:ksize=4", "an odd number from 1 to 31; got '4'"),
        ("opencv/sobel:dx=0", "got dx=0,dy=0 with ksize=3"),
        ("opencv/sobel:3,3,0", "got dx=3,dy=0 with ksize=3"),
        ("opencv/gaussian:4", "an odd ksize, or 0; got 4"),
        ("opencv/gaussian:0", "got both 0"),
        ("matlab/laplacian:1.5", "a number from 0 to 1; got '1.5'"),
        ("scipy/sobel:axis=2", "from -2 to 1; got '2'"),
    ],
)
def test_wrong_names_and_parameters_are_refused(text, told):
    with pytest.raises(KernelError, match=told):
        named_kernel(text)


@given(
    st.floats(0.01, 5).map(lambda sigma: round(sigma, 3)),
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
    st.sampled_from(["gaussian", "log", "unsharp"]),
)
def test_a_canonical_name_gives_the_same_kernel(sigma, size, family):
    size = tuple(side | 1 for side in size)
    kernel = named_kernel(f"{family}:sigma={sigma},size={size[0]}x{size[1]}")
    assert named_kernel(kernel.name).taps.tobytes() == kernel.taps.tobytes()


def test_no_two_own_names_share_taps():
    """Two unprefixed names for one kernel would make naming a learned kernel a matter of luck."""
    own = [named_kernel(name) for name in ENTRIES if "/" not in name]
    seen = {}
    for kernel in own:
        key = (kernel.shape, np.round(kernel.taps, 12).tobytes(), kernel.bias)
        assert key not in seen, f"{kernel.name} and {seen.get(key)}"
        seen[key] = kernel.name


def test_the_table_is_not_read_for_plain_numbers(root):
    import subprocess
    import sys

    code = (
        "import sys, convkit.kernel as k; k.parse_kernel('1,-1'); k.parse_kernel('(1,2,1)/4');"
        "heavy = {'tomllib', 'torch', 'PIL', 'pydantic', 'rich', 'typer', 'convkit.kernel.families'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout == "[]\n"


def test_descriptions_fit_a_line():
    for entry in ENTRIES.values():
        assert len(entry.description) < 100
        assert not re.search(r"\.$", entry.description)
