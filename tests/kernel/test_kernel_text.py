"""Kernel text: every notation, and every way to get it wrong."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from convkit.errors import KernelError
from convkit.kernel import named_kernel, parse_kernel


@pytest.mark.parametrize(
    ("text", "taps"),
    [
        ("1,-1", [[1, -1]]),
        ("-1,1", [[-1, 1]]),
        ("  1, -1 ", [[1, -1]]),
        ("1 -1", [[1, -1]]),
        ("5", [[5]]),
        ("1;2;3", [[1], [2], [3]]),
        ("0,1;2,3", [[0, 1], [2, 3]]),
        ("0,1;2,3;", [[0, 1], [2, 3]]),
        ("0,1\n2,3", [[0, 1], [2, 3]]),
        ("+.5,1e-2,2.", [[0.5, 0.01, 2]]),
        ("1/9", [[1 / 9]]),
        ("1/4,1/2,1/4", [[0.25, 0.5, 0.25]]),
        ("(1,2,1;2,4,2;1,2,1)/16", [[1 / 16, 1 / 8, 1 / 16], [1 / 8, 1 / 4, 1 / 8], [1 / 16, 1 / 8, 1 / 16]]),
        ("( 1, 2 ) / -4", [[-0.25, -0.5]]),
        ("(1,2)", [[1, 2]]),
    ],
)
def test_numbers(text, taps):
    kernel = parse_kernel(text)
    assert kernel.taps.tolist() == np.array(taps, dtype=float).tolist()
    assert kernel.name is None
    assert kernel.bias == 0.0


@pytest.mark.parametrize(
    ("text", "taps"),
    [
        ("3x3: 1,2,1 2,4,2 1,2,1", [[1, 2, 1], [2, 4, 2], [1, 2, 1]]),
        ("3: 0,1,2,3,4,5,6,7,8", [[0, 1, 2], [3, 4, 5], [6, 7, 8]]),  # a square
        ("3x2:1,2,3,4,5,6", [[1, 2, 3], [4, 5, 6]]),  # the width comes first
        ("2x1: 1 2;", [[1, 2]]),
        ("3x3+1+1: 1,2,1 2,4,2 1,2,1", [[1, 2, 1], [2, 4, 2], [1, 2, 1]]),
        ("3x1+0+0: 1,2,3", [[0, 0, 1, 2, 3]]),  # the first tap is the origin, so it becomes the middle
        ("3x1+2+0: 1,2,3", [[1, 2, 3, 0, 0]]),
        ("2x2+0+0: 1,2,3,4", [[1, 2], [3, 4]]),  # where an even kernel's middle is anyway
        ("1x2+0+1: 1,2", [[1], [2], [0]]),
        ("3x1: 1,nan,-", [[1, 0, 0]]),  # holes
        ("3x1: 1 NaN -3", [[1, 0, -3]]),
    ],
)
def test_imagemagick_notation_is_correlation_as_it_stands(text, taps):
    assert parse_kernel(text).taps.tolist() == np.array(taps, dtype=float).tolist()


def test_names_are_looked_up():
    assert parse_kernel("sobel").name == "sobel"
    assert parse_kernel(" Pillow/EDGE_ENHANCE ").name == "pillow/edge-enhance"
    assert parse_kernel("gaussian:size=9,sigma=1.2").name == "gaussian:sigma=1.2,size=9"


def test_a_name_wins_over_a_file_of_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sobel").write_text("5,5")
    (tmp_path / "mine.csv").write_text("5,5")
    assert parse_kernel("sobel").name == "sobel"
    assert parse_kernel("mine.csv").taps.tolist() == [[5.0, 5.0]]
    with pytest.raises(KernelError, match=r"got '\./sobel'"):
        parse_kernel("./sobel")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "got an empty text"),
        (" \n", "got an empty text"),
        ("--json", "got an option, '--json'"),
        ("1,2;3", "got 1 in row 2"),
        ("1,x", "got 'x' in row 1, column 2"),
        ("nan,1", "got 'nan' in row 1, column 1"),
        ("1,inf", "got 'inf' in row 1, column 2"),
        ("1,1e999", "got '1e999'"),
        ("1/0", "got '1/0'"),
        ("1,,2", "got '' in row 1, column 2"),
        ("-", "got '-'"),
        ("−1,1", "got '−1'"),  # a typographic minus
        ("(1,2", r"got '\(1,2'"),
        ("(1,2)/0", r"got '\(1,2\)/0'"),
        ("(1,2)/two", r"got '\(1,2\)/two'"),
        ("(1,2)/1/2", r"got '\(1,2\)/1/2'"),
        ("(1,x)/2", "got 'x'"),
        ("(1,2)/1e-320", "got 'inf'"),
        ("()/2", "got no numbers"),
        ("3x3: 1,2", "expected 9 values after '3x3:'; got 2"),
        ("2x1: 1,x", "got 'x'"),
        ("2x1: 1,1/0", "got '1/0'"),
        ("0x1: 1", "got '0x1: 1'"),
        ("3x1+3+0: 1,2,3", r"inside the 3x1 kernel; got \+3\+0"),
        ("3x3@: 1,2,1 2,4,2 1,2,1", "not rotated or listed; got '3x3@"),
        ("2x1:1,2;2x1:3,4", "not rotated or listed; got '2x1:1,2;2x1:3,4'"),
        ("99999x99999: 1", "expected 9999800001 values"),
        ("4097x1:" + " 1" * 4097, "got 1×4097"),
        ("sobl", "got 'sobl'; try 'sobel'"),
        ("gausian:sigma=1,size=3", "got 'gausian:sigma=1,size=3'; try 'gaussian'"),
        ("pillow/embos", "try 'pillow/emboss'"),
        ("sobel, angle=90", "got 'sobel, angle=90'; try 'sobel'"),
        ("qqqqqq", "got 'qqqqqq'; try '1,-1'"),
        ("a" * 5000, "got 'aaaa"),
        ("a\0b", r"got 'a\\x00b'"),
        ("no/such/place", "got 'no/such/place'"),
    ],
)
def test_text_that_means_nothing_is_refused(text, told):
    with pytest.raises(KernelError, match=told):
        parse_kernel(text)


@given(st.text(alphabet="0123456789.,;:/()+-xe naif=sobelgu", max_size=24))
@example("(1)/(2)")
@example("box:size=,")
@example("3x3:")
def test_any_text_is_a_kernel_or_a_kernel_error(text):
    try:
        kernel = parse_kernel(text)
    except KernelError:
        return
    assert np.isfinite(kernel.taps).all()


@given(st.sampled_from(["box", "gaussian", "shift", "sobel", "imagemagick/gaussian", "nosuch"]), st.text(max_size=12))
def test_any_parameters_are_taken_or_refused(name, parameters):
    try:
        kernel = named_kernel(f"{name}:{parameters}")
    except KernelError:
        return
    assert named_kernel(kernel.name).taps.tolist() == kernel.taps.tolist()
