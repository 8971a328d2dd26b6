"""Writing kernels: what is written is read back the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from convkit.errors import KernelError
from convkit.kernel import ExportFormat, Kernel, export_kernel, parse_kernel

FINITE = st.floats(allow_nan=False, allow_infinity=False)
TAPS = npst.arrays(np.float64, npst.array_shapes(min_dims=2, max_dims=2, max_side=5), elements=FINITE)
ENDINGS = {
    ExportFormat.NPY: "npy",
    ExportFormat.CSV: "csv",
    ExportFormat.VIPS: "mat",
    ExportFormat.IMAGEMAGICK: "txt",
    ExportFormat.JSON: "json",
    ExportFormat.TEXT: "txt",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("exported")


def read_back(folder, kernel, form):
    path = folder / f"kernel.{ENDINGS[form]}"
    path.write_bytes(export_kernel(kernel, form))
    return parse_kernel(str(path))


@pytest.mark.parametrize("form", ExportFormat)
@given(taps=TAPS)
def test_every_format_keeps_every_bit_of_the_taps(folder, form, taps):
    assert read_back(folder, Kernel(taps), form).taps.tobytes() == taps.tobytes()


@pytest.mark.parametrize("form", [ExportFormat.IMAGEMAGICK, ExportFormat.TEXT])
@given(taps=TAPS)
def test_the_notations_are_kernel_text_too(form, taps):
    assert parse_kernel(export_kernel(Kernel(taps), form).decode()).taps.tobytes() == taps.tobytes()


@given(bias=st.floats(-1e6, 1e6))
def test_json_keeps_name_and_bias(folder, bias):
    again = read_back(folder, Kernel(np.ones((1, 2)), "mine:a=1", bias), ExportFormat.JSON)
    assert (again.name, again.bias) == ("mine:a=1", bias)


@given(bias=st.floats(-1e6, 1e6).filter(lambda x: x == 0 or abs(x) > 1e-300))
def test_vips_keeps_the_bias_to_its_last_digit(folder, bias):
    # Not to the last bit: the offset is 255 times the bias, and both products are rounded.
    again = read_back(folder, Kernel(np.ones((1, 2)), bias=bias), ExportFormat.VIPS)
    assert again.bias == pytest.approx(bias, rel=4e-16)


def test_what_the_text_formats_look_like():
    kernel = Kernel.of("1,2,1/3;-4,5,6e-20")
    assert export_kernel(kernel, "csv") == b"1,2,0.3333333333333333\n-4,5,6e-20\n"
    assert export_kernel(kernel, "text") == b"1,2,0.3333333333333333;-4,5,6e-20\n"
    assert export_kernel(kernel, "imagemagick") == b"3x2: 1,2,0.3333333333333333 -4,5,6e-20\n"
    assert export_kernel(kernel, "vips") == b"3 2 1 0\n1 2 0.3333333333333333\n-4 5 6e-20\n"
    assert export_kernel(Kernel.of("pillow/emboss"), "vips").startswith(b"3 3 1 128\n")
    assert export_kernel(Kernel.of("1,-1"), "json") == (
        b'{"schema": "convkit.kernel/1", "name": null, "taps": [[1.0, -1.0]], "bias": 0.0}\n'
    )


def test_numpy_reads_npy_and_csv(folder):
    kernel = Kernel.of("1,2;3,4")
    (folder / "k.npy").write_bytes(export_kernel(kernel, "npy"))
    (folder / "k.csv").write_bytes(export_kernel(kernel, "csv"))
    assert np.load(folder / "k.npy").dtype == np.float64
    assert np.loadtxt(folder / "k.csv", delimiter=",").tolist() == np.load(folder / "k.npy").tolist()


@pytest.mark.parametrize("form", ["npy", "csv", "imagemagick", "text"])
def test_a_bias_is_not_dropped_in_silence(form):
    with pytest.raises(KernelError, match=f"got '{form}' for a bias of 0.50196.*'json' or 'vips'"):
        export_kernel(Kernel.of("pillow/emboss"), form)


def test_an_unknown_format_is_refused():
    with pytest.raises(KernelError, match=r"got 'cvs'; try 'csv'"):
        export_kernel(Kernel.of("1,-1"), "cvs")
