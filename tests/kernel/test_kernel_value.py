"""The Kernel itself: what it accepts, what it promises."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from convkit.errors import KernelError
from convkit.kernel import Kernel, parse_kernel
from convkit.kernel.kernel import MAX_SIDE, decimal

FINITE = st.floats(allow_nan=False, allow_infinity=False)
TAPS = npst.arrays(np.float64, npst.array_shapes(min_dims=2, max_dims=2, max_side=5), elements=FINITE)


def test_taps_are_a_read_only_float64_copy():
    source = np.array([[1, -1]])
    kernel = Kernel.of(source)
    source[0, 0] = 7
    assert kernel.taps.dtype == np.float64
    assert kernel.taps.tolist() == [[1.0, -1.0]]
    with pytest.raises(ValueError, match="read-only"):
        kernel.taps[0, 0] = 2.0


@pytest.mark.parametrize("copied", [lambda k: pickle.loads(pickle.dumps(k)), copy.deepcopy])  # noqa: S301
def test_a_copy_from_another_process_is_read_only_too(copied):
    kernel = copied(Kernel(np.array([[0.0, 1.0]]), "mine", 0.5))
    assert (kernel.taps.tolist(), kernel.name, kernel.bias) == ([[0.0, 1.0]], "mine", 0.5)
    assert not kernel.taps.flags.writeable


def test_shape_sum_and_rank():
    kernel = parse_kernel("1,2,3; 2,4,6")
    assert (kernel.shape, kernel.sum, kernel.rank) == ((2, 3), 18.0, 1)
    assert parse_kernel("0,1;2,3").rank == 2
    assert parse_kernel("0,0").rank == 0


def test_the_sum_of_nine_ninths_is_exactly_one():
    assert Kernel.of(np.full((3, 3), 1 / 9)).sum == 1.0


def test_taps_near_the_largest_float_do_not_overflow():
    kernel = parse_kernel("1e308,1e308;-1e308,0")
    assert (kernel.sum, kernel.rank, kernel.is_zero_sum) == (1e308, 2, False)
    assert parse_kernel("-1e308,-1e308").sum == -np.inf
    assert parse_kernel("1e308,1e308,-1e308,-1e308").is_zero_sum


@pytest.mark.parametrize(("text", "zero"), [("1,-1", True), ("0.1,0.2,-0.3", True), ("1,-0.999", False), ("0", True)])
def test_zero_sum_allows_for_rounding_only(text, zero):
    assert parse_kernel(text).is_zero_sum is zero


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        (None, "kernel"),
        ("sobel", "sobel"),
        ("gaussian:sigma=1.2,size=9", "gaussian-sigma=1.2-size=9"),
        ("pillow/edge-enhance", "pillow-edge-enhance"),
        ("../../etc/passwd", "etc-passwd"),
        ("…", "kernel"),
        ("x" * 300, "x" * 64),
    ],
)
def test_stem_is_fit_for_a_file_name(name, stem):
    assert Kernel(np.ones((1, 1)), name).stem == stem


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ([[]], r"\(1, 0\)"),
        (3.0, r"\(\)"),
        (np.zeros((2, 2, 2)), r"\(2, 2, 2\)"),
        ([[1.0, np.nan]], "'nan'"),
        ([[1.0], [-np.inf]], "'-inf'"),
        ([[1, 2], [3]], "inhomogeneous"),
        ([["1"]], "type <U1"),
        ([[1j]], "complex128"),
        ([[None]], "type object"),
        (np.zeros((1, MAX_SIDE + 1)), "1×4097"),
    ],
)
def test_what_is_no_kernel_is_refused(value, told):
    with pytest.raises(KernelError, match=told):
        Kernel.of(value)


def test_a_bias_must_be_finite():
    with pytest.raises(KernelError, match="'inf'"):
        Kernel(np.ones((1, 1)), bias=np.inf)


def test_a_torch_weight_that_requires_grad_is_refused_with_a_reason():
    torch = pytest.importorskip("torch")
    assert Kernel.of(torch.ones(1, 2)).shape == (1, 2)
    with pytest.raises(KernelError, match="detach"):
        Kernel.of(torch.ones(1, 2, requires_grad=True))


def test_of_takes_text_arrays_and_kernels():
    kernel = Kernel.of("sobel")
    assert Kernel.of(kernel) is kernel
    assert Kernel.of([1, -1]).taps.tolist() == [[1.0, -1.0]]
    assert Kernel.of(((0, 1), (2, 3))).shape == (2, 2)


@given(TAPS)
def test_its_text_reads_back_to_the_last_bit(taps):
    again = parse_kernel(str(Kernel(taps)))
    assert again.taps.tobytes() == taps.tobytes()


@given(FINITE)
def test_decimals_are_shortest_and_exact(value):
    assert float(decimal(value)) == value
    assert len(decimal(value)) <= len(repr(value))
