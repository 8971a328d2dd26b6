"""What a recovery went by, against SciPy and differences of losses."""

import numpy as np
import pytest
import scipy.signal

import convkit
from convkit.experiment.workings import MOST_OUTPUTS


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("stride", [1, 2])
def test_residual_is_the_target_minus_the_filtered_image(rng: np.random.Generator, flip: bool, stride: int) -> None:
    image = rng.random((20, 23))
    target = scipy.signal.correlate2d(image, rng.random((3, 2)), "valid")[::stride, ::stride]
    target += 0.1 * rng.standard_normal(target.shape)
    found = convkit.learn_kernel(image, target=target, size=(3, 2), stride=stride, flip=flip, solver="exact")
    taps = found.exact.kernel[::-1, ::-1] if flip else found.exact.kernel
    fitted = scipy.signal.correlate2d(image, taps, "valid")[::stride, ::stride] + found.exact.bias
    np.testing.assert_allclose(found.workings.residual, target - fitted, atol=1e-12)
    assert np.sqrt(np.square(found.workings.residual).mean()) == pytest.approx(found.fit.residual_rms)
    assert found.workings.before is not None
    np.testing.assert_array_equal(found.workings.before, image)
    np.testing.assert_array_equal(found.workings.after, target)


def test_outputs_that_are_not_used_are_nan(rng: np.random.Generator) -> None:
    image, mask = rng.random((12, 12)), np.ones((10, 10))
    mask[2:4, 5] = 0
    target = convkit.convolve(image, "sobel")
    found = convkit.learn_kernel(image, target=target, size=3, mask=mask, solver="exact")
    np.testing.assert_array_equal(np.isnan(found.workings.residual), mask == 0)


def test_of_large_pictures_the_middle_is_looked_at(rng: np.random.Generator) -> None:
    image = rng.random((1200, 40))
    target = convkit.convolve(image, "sobel", dtype="float64")
    target[0] += 1.0  # far from the middle
    found = convkit.learn_kernel(image, target=target, size=3, solver="exact", loss="huber")
    assert found.workings.partial
    assert found.workings.residual.shape == (MOST_OUTPUTS, 38)
    assert np.abs(found.workings.residual).max() < 1e-9
    assert not convkit.learn_kernel().workings.partial


@pytest.mark.parametrize("flip", [False, True])
def test_null_directions_change_no_output(flip: bool) -> None:
    found = convkit.learn_kernel(size=3, flip=flip)
    image = convkit.load_image("edges")
    assert len(found.workings.null_directions) == 6
    for direction in found.workings.null_directions:
        taps = direction[::-1, ::-1] if flip else direction
        assert np.abs(scipy.signal.correlate2d(image, taps, "valid")).max() < 1e-12


@pytest.mark.parametrize("loss", ["sum", "mean"])
def test_curvatures_are_those_of_the_loss(rng: np.random.Generator, loss: str) -> None:
    image = rng.random((9, 9))
    found = convkit.learn_kernel(image, kernel="1,2;3,4", loss=loss)
    windows = np.lib.stride_tricks.sliding_window_view(image, (2, 2)).reshape(-1, 4)
    columns = np.column_stack([windows, np.ones(len(windows))])
    hessian = 2.0 * columns.T @ columns / (len(columns) if loss == "mean" else 1)
    np.testing.assert_allclose(found.workings.curvatures, np.linalg.eigvalsh(hessian), rtol=1e-9, atol=1e-12)
    faintest = found.workings.faintest_direction
    assert faintest is not None
    steepest = np.linalg.eigh(hessian)[1][:4, 0].reshape(2, 2)
    np.testing.assert_allclose(np.abs(faintest), np.abs(steepest), atol=1e-9)


def test_colour_pictures_are_shown_in_colour(tmp_path, rng: np.random.Generator) -> None:
    import PIL.Image

    pixels = rng.integers(0, 256, (24, 30, 3), dtype=np.uint8)
    after = np.clip(np.roll(pixels, 1, axis=1) // 2, 0, 255).astype(np.uint8)
    for name, values in (("a.png", pixels), ("b.png", after)):
        PIL.Image.fromarray(values).save(tmp_path / name)
    found = convkit.learn_kernel(str(tmp_path / "a.png"), target=str(tmp_path / "b.png"), size=3)
    np.testing.assert_allclose(found.workings.before, pixels / 255)
    np.testing.assert_allclose(found.workings.after, after / 255)


def test_a_record_from_a_file_has_no_workings(tmp_path) -> None:
    convkit.learn_kernel(keep_steps=True).save(tmp_path / "found.json")
    loaded = convkit.Recovery.load(tmp_path / "found.json")
    assert loaded.workings is None
    assert loaded.trajectory is None
