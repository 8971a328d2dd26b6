"""The patterns."""

import numpy as np
import pytest

from convkit.errors import ImageError
from convkit.image import PATTERNS, Kind, load_image, read_image

LESSON = [[1, 1, 1, 0, 0, 0, 0, 1]] * 6


@pytest.mark.parametrize("name", PATTERNS)
def test_every_pattern_is_a_float64_image_in_0_to_1_of_the_size_asked_for(name):
    image = read_image(f"{name}:height=33,width=20")
    assert (image.kind, image.stem, image.level, image.bits) == (Kind.PATTERN, name, None, None)
    assert (image.shape, image.values.dtype) == ((33, 20), np.float64)
    assert image.values.min() >= 0
    assert image.values.max() <= 1
    assert np.ptp(image.values) > 0.5
    assert PATTERNS[name].summary


@pytest.mark.parametrize("name", sorted(set(PATTERNS) - {"edges"}))
def test_default_size_is_64_by_64(name):
    assert read_image(name).shape == (64, 64)


@pytest.mark.parametrize("name", PATTERNS)
@pytest.mark.parametrize("size", ["1", "2", "height=1,width=3", "height=3,width=1"])
def test_every_pattern_draws_tiny_sizes(name, size):
    assert np.isfinite(load_image(f"{name}:{size}")).all()


def test_sizes_by_position_by_name_and_by_side():
    assert read_image("step:7").shape == read_image("step:size=7").shape == (7, 7)
    assert read_image("step:size=7,width=9").shape == (7, 9)
    assert read_image("step:7,height=1e1").shape == (10, 7)
    assert read_image("edges:height=2").shape == (2, 8)


def test_edges_are_the_image_of_the_lesson():
    assert np.array_equal(load_image("edges"), LESSON)


def test_edges_scale_with_the_width():
    row = load_image("edges:height=1,width=64")[0]
    assert np.array_equal(row, np.repeat(LESSON[0], 8))


@pytest.mark.parametrize(("text", "low", "high"), [("noise:200", 0, 1), ("noise:200,mean=0", -0.5, 0.5)])
def test_noise_is_uniform_about_its_mean(text, low, high):
    values = load_image(text)
    assert low <= values.min() < low + 0.001
    assert high - 0.001 < values.max() <= high
    assert abs(values.mean() - (low + high) / 2) < 4 / np.sqrt(12 * values.size)  # four standard errors


@pytest.mark.parametrize("p", [0, 0.1, 0.5, 1])
def test_bernoulli_is_1_with_its_probability(p):
    values = load_image(f"bernoulli:200,p={p}")
    assert set(np.unique(values)) <= {0, 1}
    assert abs(values.mean() - p) <= 4 * np.sqrt(p * (1 - p) / values.size)


@pytest.mark.parametrize("name", ["noise", "bernoulli"])
def test_random_patterns_draw_from_the_generator_given(name):
    assert np.array_equal(load_image(name), load_image(name, rng=np.random.default_rng(0)))
    rng = np.random.default_rng(1)
    first, second = load_image(name, rng=rng), load_image(name, rng=rng)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, load_image(name))


@pytest.mark.parametrize(("height", "width"), [(5, 7), (4, 6), (1, 1)])
def test_impulse_is_in_the_middle(height, width):
    values = load_image(f"impulse:height={height},width={width}")
    assert np.argwhere(values).tolist() == [[height // 2, width // 2]]
    assert values.max() == 1


def test_step_and_ramp_and_checkerboard():
    assert load_image("step:height=1,width=5").tolist() == [[0, 0, 1, 1, 1]]
    assert load_image("ramp:height=2,width=5").tolist() == [[0, 0.25, 0.5, 0.75, 1]] * 2
    board = load_image("checkerboard:height=3,width=5,cell=2")
    assert board.tolist() == [[0, 0, 1, 1, 0], [0, 0, 1, 1, 0], [1, 1, 0, 0, 1]]


@pytest.mark.parametrize("angle", [0, 5, 45, -30, 80, 90])
def test_slanted_edge_is_the_part_of_each_pixel_on_the_bright_side(angle):
    values = load_image(f"slanted-edge:height=8,width=9,angle={angle}")
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    fine = (np.arange(400) + 0.5) / 400 - 0.5
    for i, j in [(0, 4), (3, 4), (7, 4), (4, 0), (4, 3), (2, 5)]:
        bright = (j - 4 + fine) * cosine + (i - 3.5 + fine[:, None]) * sine > 0
        assert values[i, j] == pytest.approx(bright.mean(), abs=3e-3)


def test_slanted_edge_is_vertical_at_0_degrees_and_has_half_its_area_bright():
    assert np.array_equal(load_image("slanted-edge:6,angle=0"), load_image("step:6"))
    assert load_image("slanted-edge:64").mean() == pytest.approx(0.5, abs=1e-12)


def test_star_has_its_spokes_on_every_circle():
    values = load_image("star:401,spokes=12")
    angles = np.linspace(0, 2 * np.pi, 3000, endpoint=False)
    around = values[np.rint(200 + 150 * np.sin(angles)).astype(int), np.rint(200 + 150 * np.cos(angles)).astype(int)]
    assert np.argmax(np.abs(np.fft.rfft(around))[1:]) + 1 == 12
    assert values[200, 200] == 0.5


def test_chirp_reaches_half_a_cycle_per_pixel_at_the_border():
    row = load_image("chirp:height=1,width=256")[0]
    phase = np.pi * (np.arange(256) - 127.5) ** 2 / 256
    assert np.allclose(row, 0.5 + 0.5 * np.cos(phase))
    turns = np.diff(np.sign(np.diff(row[:10])))
    assert np.array_equal(np.abs(turns), np.full(8, 2))  # up and down from pixel to pixel


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("noise:sise=3", r"a parameter of noise \(size, height, width, mean\); got 'sise'; try noise:size=…"),
        ("step:mean=3", "a parameter of step .*; got 'mean'"),
        ("noise:mean=x", "a number as mean of noise; got 'x'"),
        ("noise:mean=nan", "got 'nan'"),
        ("noise:abc", "a whole number of at least 1 as size of noise; got 'abc'; try 64"),
        ("noise:64x64", "got '64x64'"),
        ("noise:height=0", "at least 1 as height of noise; got '0'"),
        ("noise:width=-3", "as width of noise; got '-3'"),
        ("noise:2.5", r"as size of noise; got '2\.5'"),
        ("noise:3,4", "one size for noise; got '3,4'; try noise:height=48"),
        ("noise:3,size=4", "one size for noise; got '3'"),
        ("noise:,", "one size for noise; got ','"),
        ("noise:size=", "got ''"),
        ("checkerboard:cell=0", "at least 1 as cell of checkerboard; got '0'; try 8"),
        ("bernoulli:p=1.5", r"a number from 0 to 1 as p of bernoulli; got '1\.5'; try 0\.5"),
        ("star:spokes=2.5", r"spokes of star; got '2\.5'"),
        ("noise:1e6", r"at most 500,000,000 pixels; got noise with 1000000 x 1000000"),
        ("noise:1e300", "at most 500,000,000 pixels"),
    ],
)
def test_mistakes_are_explained(text, said):
    with pytest.raises(ImageError, match=said):
        read_image(text)
