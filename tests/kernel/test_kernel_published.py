"""Kernels against numbers that other programs printed, or papers published; those programs are not needed here.

ImageMagick 6.9.11-60 (Q16, ``-define morphology:showKernel=1``, turned by 180°), libvips 8.14.1 (``vips gaussmat``),
Octave 7.3 with image 2.14, kornia 0.9; MATLAB from its manual and from answers on MATLAB Central.
"""

import numpy as np
import pytest

from convkit.kernel import named_kernel, parse_kernel


def assert_taps(name, expected, digits=6):
    """Compare with numbers printed with so many significant digits."""
    expected = np.array(expected, dtype=float)
    taps = named_kernel(name).taps
    assert taps.shape == expected.shape
    tolerance = 0.51 * 10.0 ** (np.floor(np.log10(np.abs(np.where(expected == 0, 1, expected)))) - digits + 1)
    assert (np.abs(taps - expected) <= tolerance).all(), f"{taps}\n{expected}"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("identity", "1"),
        ("d2l", "1,-1"),
        ("blur", "(1,2,1;2,4,2;1,2,1)/16"),
        ("sharpen", "0,-1,0;-1,5,-1;0,-1,0"),
        ("outline", "-1,-1,-1;-1,8,-1;-1,-1,-1"),
        ("emboss", "-2,-1,0;-1,1,1;0,1,2"),
        ("top-sobel", "1,2,1;0,0,0;-1,-2,-1"),
        ("bottom-sobel", "-1,-2,-1;0,0,0;1,2,1"),
        ("left-sobel", "1,0,-1;2,0,-2;1,0,-1"),
        ("right-sobel", "-1,0,1;-2,0,2;-1,0,1"),
        ("ridge", "0,-1,0;-1,4,-1;0,-1,0"),
        ("gaussian5", "(1,4,6,4,1;4,16,24,16,4;6,24,36,24,6;4,16,24,16,4;1,4,6,4,1)/256"),
        ("unsharp5", "(-1,-4,-6,-4,-1;-4,-16,-24,-16,-4;-6,-24,476,-24,-6;-4,-16,-24,-16,-4;-1,-4,-6,-4,-1)/256"),
        ("matlab/prewitt", "1,1,1;0,0,0;-1,-1,-1"),
        ("matlab/sobel", "1,2,1;0,0,0;-1,-2,-1"),
        ("octave/kirsch", "3,3,3;3,0,3;-5,-5,-5"),
        ("kornia/sobel", "(-1,0,1;-2,0,2;-1,0,1)/8"),
        ("kornia/diff", "-0.5,0,0.5"),
        ("kornia/laplacian", "(1,1,1;1,-8,1;1,1,1)/16"),
        ("vips/sobel", "1,2,1;0,0,0;-1,-2,-1"),
        ("vips/scharr", "-3,0,3;-10,0,10;-3,0,3"),
        ("vips/prewitt", "-1,0,1;-1,0,1;-1,0,1"),
        ("vips/gaussmat", "(7,12,7;12,20,12;7,12,7)/96"),
        ("vips/gaussmat:0.6", "(1,5,1;5,20,5;1,5,1)/44"),
        ("vips/gaussmat:0.3", "1"),
        ("vips/gaussmat:1,0.1", "(0,2,3,2,0;2,7,12,7,2;3,12,20,12,3;2,7,12,7,2;0,2,3,2,0)/124"),
        ("imagemagick/sobel", "-1,0,1;-2,0,2;-1,0,1"),
        ("imagemagick/sobel:45", "-2,-1,0;-1,0,1;0,1,2"),
        ("imagemagick/prewitt", "-1,0,1;-1,0,1;-1,0,1"),
        ("imagemagick/roberts", "0,0,0;0,-1,1;0,0,0"),
        ("imagemagick/roberts:45", "0,0,0;0,-1,0;0,0,1"),
        ("imagemagick/compass", "-1,1,1;-1,-2,1;-1,1,1"),
        ("imagemagick/kirsch", "-3,-3,5;-3,0,5;-3,-3,5"),
        ("imagemagick/laplacian:5", "-4,-1,0,-1,-4;-1,2,3,2,-1;0,3,4,3,0;-1,2,3,2,-1;-4,-1,0,-1,-4"),
        ("imagemagick/laplacian:15", "0,0,-1,0,0;0,-1,-2,-1,0;-1,-2,16,-2,-1;0,-1,-2,-1,0;0,0,-1,0,0"),
        ("imagemagick/unity:3", "3"),
        ("imagemagick/binomial", "1,2,1;2,4,2;1,2,1"),
        ("imagemagick/diamond:2", "0,0,1,0,0;0,1,1,1,0;1,1,1,1,1;0,1,1,1,0;0,0,1,0,0"),
        ("imagemagick/square", "1,1,1;1,1,1;1,1,1"),
        ("imagemagick/rectangle:3x2", "1,1,1;1,1,1"),
        ("imagemagick/octagon", "0,1,1,1,0;1,1,1,1,1;1,1,1,1,1;1,1,1,1,1;0,1,1,1,0"),
        ("imagemagick/plus:1", "0,1,0;1,1,1;0,1,0"),
        ("imagemagick/cross:1", "1,0,1;0,1,0;1,0,1"),
        ("imagemagick/ring:1,2", "0,0,1,0,0;0,1,0,1,0;1,0,0,0,1;0,1,0,1,0;0,0,1,0,0"),
        ("shift:1,-2", "0,0,0,0,1;0,0,0,0,0;0,0,0,0,0"),
    ],
)
def test_exact_taps(name, text):
    assert named_kernel(name).taps.tolist() == parse_kernel(text).taps.tolist()


def test_imagemagick_shapes_have_the_counts_it_prints():
    for name, count in {"octagon:4": 69, "disk": 61, "disk:2": 13, "ring": 16, "ring:3,1": 24, "plus": 9}.items():
        assert named_kernel(f"imagemagick/{name}").sum == count


def test_every_imagemagick_laplacian_sums_to_zero():
    for number in (0, 1, 2, 3, 5, 7, 15, 19):
        assert named_kernel(f"imagemagick/laplacian:{number}").sum == 0
    assert named_kernel("imagemagick/laplacian:19").taps[4].tolist() == [-2, -5, 0, 24, 40, 24, 0, -5, -2]
    assert named_kernel("imagemagick/laplacian:7").taps[1].tolist() == [-5, 0, 3, 4, 3, 0, -5]


def test_imagemagick_blur_and_comet():
    half = [0.384572, 0.241811, 0.059897, 0.00579007, 0.000215825]
    assert_taps("imagemagick/blur", [half[:0:-1] + half])
    assert_taps("imagemagick/blur:2x1", [[0.0606253, 0.244751, 0.389248, 0.244751, 0.0606253]])
    assert_taps("imagemagick/blur:0,1,90", [[value] for value in half[:0:-1] + half])
    # Printed with the origin on its first, largest tap: a point smears to the right, or down at 90 degrees.
    trail = [0.000102766, 0.00379789, 0.0539044, 0.297421, 0.644774]
    assert_taps("imagemagick/comet", [[*trail, 0, 0, 0, 0]])
    assert_taps("imagemagick/comet:0,1,90", [[value] for value in [*trail, 0, 0, 0, 0]])
    assert_taps("imagemagick/comet:5x2", [[0.0375425, 0.0962008, 0.192835, 0.302402, 0.371019, 0, 0, 0, 0]])


def test_imagemagick_gaussians():
    edge = [0.0751136, 0.123841, 0.0751136]
    assert_taps("imagemagick/gaussian:1x1", [edge, [0.123841, 0.20418, 0.123841], edge])
    row = [5.33909e-05, 0.00176806, 0.0215394, 0.0965329, 0.159156]
    kernel = named_kernel("imagemagick/gaussian")
    assert kernel.shape == (9, 9)
    np.testing.assert_allclose(kernel.taps[4], row + row[-2::-1], rtol=1e-5)
    sizes = {0.3: 3, 0.5: 5, 2: 15, 8: 51}
    assert {sigma: named_kernel(f"imagemagick/gaussian:0,{sigma}").shape[0] for sigma in sizes} == sizes


def test_imagemagick_log_and_dog_have_halves_of_one():
    log = named_kernel("imagemagick/log:2x1")
    corner, side, edge = -0.0314675, -0.0705137, -0.077505
    np.testing.assert_allclose(log.taps[0], [corner, side, edge, side, corner], rtol=1e-5)
    np.testing.assert_allclose(log.taps[2], [edge, 0.137034, 0.451863, 0.137034, edge], rtol=1e-5)
    dog = named_kernel("imagemagick/dog:2,1,1.6")
    np.testing.assert_allclose(dog.taps[0], [-0.0670162, -0.0685575, -0.0458688, -0.0685575, -0.0670162], rtol=1e-5)
    np.testing.assert_allclose(dog.taps[2, 1:4], [0.131768, 0.281532, 0.131768], rtol=1e-5)
    assert named_kernel("imagemagick/dog:0,1,2").shape == (15, 15)
    for kernel in (log, dog):
        assert kernel.taps.clip(min=0).sum() == pytest.approx(1)
        assert kernel.taps.clip(max=0).sum() == pytest.approx(-1)


def frei_chen_basis(names):
    return np.array([named_kernel(name).taps.ravel() for name in names])


@pytest.mark.parametrize(
    "names",
    [[f"frei-chen-{i}" for i in range(1, 10)], [f"imagemagick/freichen:{i}" for i in range(11, 20)]],
    ids=["published", "imagemagick"],
)
def test_frei_chens_kernels_are_an_orthonormal_basis(names):
    """ImageMagick's own types 11 to 14 are twice too large, 12 and 17 have wrong signs; none would pass."""
    basis = frei_chen_basis(names)
    np.testing.assert_allclose(basis @ basis.T, np.eye(9), atol=1e-15)


def test_imagemagicks_frei_chen_types_are_the_published_ones_up_to_sign():
    overlaps = np.abs(
        frei_chen_basis(f"imagemagick/freichen:{i}" for i in range(11, 20))
        @ frei_chen_basis(f"frei-chen-{i}" for i in range(1, 10)).T
    )
    np.testing.assert_allclose(overlaps.max(axis=1), 1)
    assert overlaps.argmax(axis=1).tolist() == [1, 0, 3, 2, 4, 5, 6, 7, 8]
    # Correlation, positive to the right, as convkit's own kernel is.
    assert named_kernel("imagemagick/freichen").taps.tolist() == named_kernel("frei-chen").taps.tolist()
    assert_taps("imagemagick/freichen:2", [[-0.353553, -0.5, 0], [-0.5, 0, 0.5], [0, 0.5, 0.353553]])
    assert_taps("imagemagick/freichen:1", [[-0.353553, 0, 0.353553], [-0.5, 0, 0.5], [-0.353553, 0, 0.353553]])


def test_matlab_gaussian_laplacian_unsharp():
    corner, side = 0.01134373655849507, 0.08381950580221061
    expected = [[corner, side, corner], [side, 0.6193470305571772, side], [corner, side, corner]]
    assert_taps("matlab/gaussian", expected, digits=15)
    even = [0.0433220514823317, 0.206677948517668, 0.206677948517668, 0.0433220514823317]
    assert_taps("matlab/gaussian:2x4,0.8", [even, even], digits=14)
    sixth, two_thirds = 0.1666666666666667, 0.6666666666666667
    laplacian = [[sixth, two_thirds, sixth], [two_thirds, -3.333333333333333, two_thirds], [sixth, two_thirds, sixth]]
    assert_taps("matlab/laplacian", laplacian, digits=15)
    assert_taps("matlab/unsharp", np.diag([0, 1, 0]) - laplacian, digits=15)
    assert_taps("matlab/unsharp:0.5", [[-1 / 3] * 3, [-1 / 3, 11 / 3, -1 / 3], [-1 / 3] * 3], digits=15)


def test_matlab_log_sums_to_zero_and_octaves_does_not():
    assert_taps("matlab/log", [
        [0.0448, 0.0468, 0.0564, 0.0468, 0.0448],
        [0.0468, 0.3167, 0.7146, 0.3167, 0.0468],
        [0.0564, 0.7146, -4.9048, 0.7146, 0.0564],
        [0.0468, 0.3167, 0.7146, 0.3167, 0.0468],
        [0.0448, 0.0468, 0.0564, 0.0468, 0.0448],
    ], digits=3)  # fmt: skip
    assert named_kernel("matlab/log").taps[2, 2] == pytest.approx(-4.9048, abs=5e-5)
    assert named_kernel("matlab/log").is_zero_sum
    middle = [0.007399252584806999, 0.4264387918623843, -3.150980155831368, 0.4264387918623843, 0.007399252584806999]
    np.testing.assert_allclose(named_kernel("octave/log").taps[2], middle, rtol=1e-14)
    edge = [0.0118370158425884, 0.0238731362885989, -0.02027811474821592, 0.0238731362885989, 0.0118370158425884]
    np.testing.assert_allclose(named_kernel("octave/log:3x5,0.8").taps[0], edge, rtol=1e-13)
    assert named_kernel("octave/log").sum == pytest.approx(-0.7128, abs=1e-4)


def test_disk_has_the_exact_areas():
    corner, side = 0.02507858102383299, 0.1453439474302194
    expected = [[corner, side, corner], [side, 0.3183098861837907, side], [corner, side, corner]]
    np.testing.assert_allclose(named_kernel("disk:1").taps, expected, rtol=1e-13)
    first = [0, 0, 0, 0.00124960383201638, 0.004966947184033995, 0.006259934702148581]
    np.testing.assert_allclose(named_kernel("disk:5").taps[0], first + first[-2::-1], rtol=1e-11)
    second = [0, 3.204641715106561e-05, 0.006157069579665132, 0.01239587355857851, 0.01273239544735163]
    np.testing.assert_allclose(named_kernel("matlab/disk").taps[1, :5], second, rtol=1e-11)


@pytest.mark.parametrize("radius", [0.3, 0.5, 0.7, 1.5, 2.3, 4.95])
def test_disk_of_any_radius_agrees_with_counting_points(radius):
    taps = named_kernel(f"disk:{radius}").taps
    reach = taps.shape[0] // 2
    assert reach == max(0, int(np.ceil(radius - 0.5)))
    fine = 100
    axis = (np.arange((2 * reach + 1) * fine) + 0.5) / fine - reach - 0.5
    inside = np.add.outer(axis**2, axis**2) <= radius**2
    counted = inside.reshape(2 * reach + 1, fine, 2 * reach + 1, fine).mean(axis=(1, 3)) / (np.pi * radius**2)
    # Only the cells the circle cuts are miscounted, at most half each: 8·radius·fine of fine² per unit of area.
    np.testing.assert_allclose(taps, counted, rtol=0, atol=4 * radius / fine / (np.pi * radius**2) / 2)


def test_motion_is_matlabs():
    # MATLAB Central, answer 307822; the manual's own formula would give 0.0702 and 0.2397.
    assert_taps("motion:3,45", [[0, 0.0754, 0.1883], [0.0754, 0.3215, 0.0754], [0.1883, 0.0754, 0]], digits=3)
    assert_taps("motion", [[1 / 9] * 9], digits=15)
    assert_taps("motion:angle=90", [[1 / 9]] * 9, digits=15)
    assert_taps("motion:4", [[0.125, 0.25, 0.25, 0.25, 0.125]], digits=15)
    assert_taps("motion:1,30", [[1]], digits=15)
    # The published code, run in Octave.
    first = [0, 0, 0, 0, 0, 0.0348020888333769, 0.0755484199595576]
    second = [0, 0, 0, 0.0174010444166885, 0.0823426262845326, 0.112482119319, 0.0475405374511557]
    third = [0, 0, 0.0649415818678441, 0.129883163735688, 0.0649415818678441, 0, 0]
    taps = named_kernel("motion:7.5,30").taps
    assert taps.shape == (5, 7)
    np.testing.assert_allclose(taps[0], first, atol=1e-14)
    np.testing.assert_allclose(taps[1], second, atol=1e-14)
    np.testing.assert_allclose(taps[2], third, atol=1e-14)
    np.testing.assert_allclose(named_kernel("motion:7.5,150").taps, taps[::-1], atol=1e-14)
    np.testing.assert_allclose(named_kernel("motion:7.5,-150").taps, taps, atol=1e-14)
