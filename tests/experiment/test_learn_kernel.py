"""Whole recoveries through the library: the lesson, conventions, targets, records."""

import json

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st

from convkit import ConvkitError, Experiment, Recovery, convolve, learn_kernel
from convkit.convolution import Padding


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("backend", ["naive", "conv2d"])
def test_the_lesson_ends_near_the_truth(seed: int, backend: str) -> None:
    found = learn_kernel(kernel="1,-1", steps=40, lr=0.01, seed=seed, backend=backend)
    assert np.abs(found.kernel.learned - [[1, -1]]).max() < 0.05
    assert found.status == "max-steps"
    assert [entry.step for entry in found.losses] == list(range(1, 41))


def test_the_start_is_the_third_stream_of_the_seed() -> None:
    rng = np.random.default_rng(np.random.SeedSequence(3).spawn(3)[2])
    taps, bias = rng.standard_normal((1, 2)), rng.standard_normal()
    image = convolve("edges", "1")
    residual = taps[0, 0] * image[:, :7] + taps[0, 1] * image[:, 1:] + bias - (image[:, :7] - image[:, 1:])
    for solver in ("gd", "momentum", "adam", "lbfgs"):
        found = learn_kernel(steps=1, lr=1e-3, seed=3, solver=solver)
        assert found.losses[0].loss == pytest.approx(np.square(residual).sum(), rel=1e-12)


def test_changing_the_noise_changes_neither_image_nor_start() -> None:
    quiet = learn_kernel("noise", steps=1, lr=1e-9, noise=0.0, size=1, kernel="1")
    loud = learn_kernel("noise", steps=1, lr=1e-9, noise=1e-6, size=1, kernel="1")
    np.testing.assert_allclose(quiet.kernel.learned, loud.kernel.learned, atol=1e-6)


# Found by L-BFGS to 1e-5 in well under the 150 steps it may take; kernels here are well-conditioned by the noise.
_FIND = {"solver": "lbfgs", "steps": 150}


@pytest.mark.parametrize("padding", list(Padding))
@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("stride", [1, 2])
def test_finds_kernels_under_every_convention(padding: Padding, flip: bool, stride: int) -> None:
    rng = np.random.default_rng(4)
    image = rng.standard_normal((15, 16))
    for size in [(1, 2), (3, 3), (2, 4)]:
        kernel = rng.standard_normal(size)
        found = learn_kernel(image, kernel, padding=padding, flip=flip, stride=stride, **_FIND)
        np.testing.assert_allclose(found.kernel.learned, kernel, atol=1e-5)
        assert found.kernel.max_abs_error < 1e-5
        assert found.convention.operation == ("convolution" if flip else "cross-correlation")


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize(("true", "size"), [((3, 3), (5, 6)), ((1, 2), (3, 3)), ((2, 2), (5, 4))])
def test_a_larger_window_finds_the_truth_centred_in_zeros(flip: bool, true, size) -> None:
    rng = np.random.default_rng(5)
    kernel = rng.standard_normal(true)
    found = learn_kernel(rng.standard_normal((20, 22)), kernel, size=size, flip=flip, **_FIND)
    top, left = (size[0] - true[0]) // 2, (size[1] - true[1]) // 2
    expected = np.zeros(size)
    expected[top : top + true[0], left : left + true[1]] = kernel
    np.testing.assert_allclose(found.kernel.learned, expected, atol=1e-5)
    np.testing.assert_array_equal(found.kernel.true, expected)


@pytest.mark.parametrize("padding", ["valid", "zero", "full"])
@pytest.mark.parametrize("flip", [False, True])
def test_a_smaller_window_lies_in_the_middle_of_the_truth(padding: str, flip: bool) -> None:
    # The truth is zero outside the window sought, so the window finds its part of it exactly.
    rng = np.random.default_rng(6)
    inner = rng.standard_normal((2, 3))
    outer = np.zeros((5, 6))
    outer[1:3, 1:4] = inner
    found = learn_kernel(rng.standard_normal((20, 22)), outer, size=(2, 3), padding=padding, flip=flip, **_FIND)
    np.testing.assert_allclose(found.kernel.learned, inner, atol=1e-5)
    assert found.kernel.max_abs_error < 1e-5


@pytest.mark.parametrize("stride", [1, 2, 3])
@given(kh=st.integers(1, 4), kw=st.integers(1, 4))
@settings(max_examples=8)
def test_a_target_of_the_images_own_size_is_taken_as_centred(stride: int, kh: int, kw: int) -> None:
    rng = np.random.default_rng(7)
    image, kernel = rng.standard_normal((17, 19)), rng.standard_normal((kh, kw))
    # A border rule that convkit has none of: what hangs over is noise.
    outer = np.pad(image, ((kh, kh), (kw, kw)), mode="linear_ramp", end_values=50)
    whole = scipy.ndimage.correlate(outer, kernel, origin=[-(side % 2 == 0) for side in (kh, kw)])
    target = whole[kh:-kh, kw:-kw][::stride, ::stride]
    found = learn_kernel(image, target=target, size=(kh, kw), stride=stride, **_FIND)
    np.testing.assert_allclose(found.kernel.learned, kernel, atol=1e-5)
    assert found.convention.offset == (-((kh - 1) // 2), -((kw - 1) // 2))
    # With a stride, valid may leave as many outputs; there the two readings are told apart by --padding alone.
    same_count = ((17 - kh) // stride + 1, (19 - kw) // stride + 1) == target.shape
    assert found.convention.padding == ("valid" if same_count else None)


def test_a_target_smaller_by_the_kernel_is_valid() -> None:
    rng = np.random.default_rng(8)
    image, kernel = rng.standard_normal((17, 19)), rng.standard_normal((3, 4))
    found = learn_kernel(image, kernel, convolve(image, kernel), **_FIND)
    np.testing.assert_allclose(found.kernel.learned, kernel, atol=1e-5)
    assert found.convention.padding == "valid"
    assert found.convention.offset == (0, 0)
    assert found.bias.true == 0.0


def test_a_border_rule_that_is_told_is_used_up_to_the_rim() -> None:
    rng = np.random.default_rng(9)
    image, kernel = rng.standard_normal((9, 9)), rng.standard_normal((5, 5))
    target = convolve(image, kernel, padding="symmetric")
    # The 5x5 interior alone could not tell 26 unknowns apart.
    found = learn_kernel(image, target=target, size=5, padding="symmetric", solver="lbfgs", steps=300)
    np.testing.assert_allclose(found.kernel.learned, kernel, atol=1e-4)


def test_bias_is_learned_or_left_out() -> None:
    image = np.random.default_rng(0).standard_normal((12, 12))
    target = image[:, 1:] - image[:, :-1] + 0.25
    found = learn_kernel(image, target=target, size=(1, 2), **_FIND)
    assert found.bias.learned == pytest.approx(0.25, abs=1e-6)
    without = learn_kernel(image, target=target, size=(1, 2), bias=False, **_FIND)
    assert without.bias.learned is None
    # What the constant leaves behind is what least squares without a constant leaves behind.
    rows = np.stack([image[:, :-1].ravel(), image[:, 1:].ravel()], axis=1)
    residual = np.linalg.lstsq(rows, target.ravel())[1][0]
    assert without.final_loss == pytest.approx(residual, rel=1e-9)


def test_a_kernel_with_an_offset_of_its_own_has_a_true_bias() -> None:
    found = learn_kernel("noise", "pillow/emboss", **_FIND)
    assert found.bias.true == pytest.approx(128 / 255)
    assert found.bias.learned == pytest.approx(128 / 255, abs=1e-5)


def test_fit_is_that_of_the_kernel_returned() -> None:
    found = learn_kernel("noise:mean=0", "sobel", noise=0.1, solver="lbfgs", steps=100)
    # 62² residuals of standard deviation 0.1, whose root mean square scatters by 0.1/√(2·3844) = 0.0011.
    assert found.fit.residual_rms == pytest.approx(0.1, abs=0.004)
    assert found.fit.r2 == pytest.approx(1 - 0.01 / (12 / 12), abs=0.002)
    assert found.fit.verdict is None
    assert found.fit.rounding_rms is None


def test_records_are_json_and_come_back(tmp_path) -> None:
    found = learn_kernel(steps=3, lr=0.01)
    text = found.to_json()
    assert json.loads(text) == found.to_dict()
    (tmp_path / "found.json").write_text(text)
    assert Recovery.load(tmp_path / "found.json").to_dict() == found.to_dict()


@pytest.mark.parametrize("backend", ["naive", "conv2d", "gram"])
@pytest.mark.parametrize("lr", [0.01, 0.0170])
def test_the_losses_of_plain_descent_are_foretold(backend: str, lr: float) -> None:
    found = learn_kernel("edges", "1,-1", size=(1, 3), steps=40, lr=lr, backend=backend, noise=0.1)
    seen = np.array([entry.loss for entry in found.losses])
    foretold = np.array([entry.predicted for entry in found.losses])
    np.testing.assert_allclose(foretold, seen, rtol=1e-9)


def test_a_ridge_gives_a_single_answer_and_says_what_it_cost() -> None:
    found = learn_kernel(size=3, solver="exact", ridge="auto")
    np.testing.assert_allclose(found.kernel.learned, np.tile([1, -1, 0], (3, 1)) / 3, atol=1e-5)
    assert found.fit.verdict == "not-identifiable"
    assert found.ridge.chosen_by == "cross-validation"
    strong = learn_kernel("noise", "sobel", noise=0.1, solver="exact", ridge=1e6)
    assert np.abs(strong.kernel.learned).max() < 0.1
    assert strong.final_loss > strong.exact.loss


def test_the_scatter_of_a_ridge_is_what_its_error_bars_say() -> None:
    given = {"image": "noise:size=16", "kernel": "sobel", "noise": 0.1, "solver": "exact", "ridge": 5.0}
    image = convolve("noise:size=16", "1")
    found = [learn_kernel(image, **{k: v for k, v in given.items() if k != "image"}, seed=seed) for seed in range(200)]
    spread = np.std([one.kernel.learned for one in found], axis=0)
    told = np.mean([one.kernel.standard_error for one in found], axis=0)
    # A standard deviation from 200 draws scatters by 5 %; nine taps, three of those.
    np.testing.assert_allclose(spread, told, rtol=0.15)


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("bias", [True, False])
def test_constraints_are_kept_and_their_cost_is_told(flip: bool, bias: bool) -> None:
    given = {"image": "noise", "kernel": "box:3", "noise": 0.2, "solver": "exact", "flip": flip, "bias": bias}
    found = learn_kernel(**given, constraint="nonnegative,sum-one,symmetric")
    taps = found.kernel.learned
    assert taps.min() >= 0
    assert taps.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(taps, taps[::-1, ::-1])
    assert found.constraint.held == ["nonnegative", "sum-one", "symmetric"]
    assert found.constraint.added_loss == pytest.approx(found.final_loss - found.exact.loss)
    assert found.constraint.added_loss > 0
    free = learn_kernel(**given)
    assert (found.kernel.standard_error <= free.kernel.standard_error).all()


def test_null_directions_change_no_output() -> None:
    for flip in (False, True):
        found = learn_kernel("ramp:size=12", "sobel", flip=flip, solver="exact")
        assert len(found.identifiability.null_directions) == 10 - found.identifiability.rank > 0
        for direction in found.identifiability.null_directions:
            response = convolve("ramp:size=12", direction, flip=flip, dtype="float64")
            np.testing.assert_allclose(response, response.mean(), atol=1e-12)  # the bias makes up for a constant


def test_losses_that_are_not_finite_are_null_in_json() -> None:
    found = learn_kernel(steps=20, lr=1e308)
    assert found.status == "diverged"
    losses = json.loads(found.to_json())["losses"]
    assert losses[-1]["loss"] is None


def test_long_histories_are_thinned_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convkit.experiment.assemble.MOST_LOSSES", 20)
    found = learn_kernel(steps=51, lr=0.01)
    assert found.losses_every == 3
    assert [entry.step for entry in found.losses[:3]] == [1, 4, 7]
    assert found.losses[-1].step == 51
    assert found.steps == 51


def test_same_seed_same_record() -> None:
    records = [learn_kernel("noise", "sobel", noise=0.1, seed=5, steps=10).to_dict() for _ in range(2)]
    for record in records:
        del record["seconds"]
    assert records[0] == records[1]
    other = learn_kernel("noise", "sobel", noise=0.1, seed=6, steps=10).to_dict()
    assert other["kernel"]["learned"] != records[0]["kernel"]["learned"]


@pytest.mark.parametrize("backend", ["naive", "conv2d"])
@pytest.mark.parametrize("solver", ["gd", "lbfgs"])
def test_the_callers_modes_of_torch_change_nothing(backend: str, solver: str) -> None:
    import torch

    given = {"image": "noise:height=40,width=40", "backend": backend, "solver": solver, "dtype": "float32"}
    usual = learn_kernel(**given, steps=5).losses
    for mode in (torch.inference_mode(), torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16)):
        with mode:
            assert learn_kernel(**given, steps=5).losses == usual


def test_torchs_global_generator_is_left_alone() -> None:
    import torch

    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    learn_kernel(steps=2)
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"steps": 0}, "--steps as a whole number of at least 1; got '0'"),
        ({"steps": "4.5"}, "got '4.5'"),
        ({"steps": True}, "got 'True'"),
        ({"lr": -1}, "finite rate above 0, or auto; got '-1'"),
        ({"lr": "nan"}, "got 'nan'"),
        ({"lr": float("inf")}, "got 'inf'"),
        ({"size": 0}, "sides of at least 1; got '0'"),
        ({"size": "-3"}, "got '-3'"),
        ({"size": "3x"}, "got '3x'"),
        ({"size": "auto"}, "--size auto without --target"),
        ({"noise": -0.1}, "--noise as a finite number of at least 0; got '-0.1'"),
        ({"solver": "adm"}, "got 'adm'; try --solver adam"),
        ({"backend": "conv"}, "got 'conv'; try --backend conv2d"),
        ({"padding": "samee"}, "got 'samee'; try --padding same"),
        ({"loss": "median"}, "got 'median'; try --loss mean"),
        ({"gray": "bt602"}, "got 'bt602'; try --gray bt60"),
        ({"dtype": "float16"}, "got 'float16'"),
        ({"device": "gpu"}, "got 'gpu'"),
        ({"seed": -1}, "got '-1'"),
        ({"bias": "maybe"}, "got 'maybe'"),
        ({"tolerance": "x"}, "got 'x'"),
        ({"stepz": 3}, "got 'stepz'; try steps"),
        ({"image": np.ones((2, 3, 4))}, r"shape \(2, 3, 4\)"),
        ({"image": np.array([[np.nan]])}, "finite"),
        ({"kernel": "1,nan"}, "nan"),
        ({"kernel": np.ones((9, 9))}, "got a 9x9 kernel"),
        ({"target": np.ones((40, 40)), "image": "edges"}, r"got 40x40, 6\.667 times its height and 5 times its width"),
        ({"target": np.ones((3, 4)), "image": "edges"}, r"got 3x4, 0\.5 times the image's size; try --stride 2"),
        ({"target": np.ones((8, 6)), "image": "edges"}, "turning one of them"),
        ({"target": np.ones((6, 8)), "size": 3}, "--target without --image"),
        ({"target": np.ones((6, 8)), "image": "edges", "size": 3, "noise": 0.1}, "with --target"),
        ({"target": np.ones((3, 4)), "image": "edges", "size": 3}, "got a target of 3x4; try --stride 2"),
        ({"target": np.ones((40, 40)), "image": "edges", "size": 3}, "got a target of 40x40; try --padding"),
    ],
)
def test_settings_that_are_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises(ConvkitError, match=message):
        learn_kernel(**given)


def test_options_cover_every_setting_in_the_same_order() -> None:
    from convkit.cli.options import EXPERIMENT

    assert list(EXPERIMENT) == list(Experiment.model_fields)


@pytest.mark.parametrize(("true", "size"), [((1, 2), (1, 3)), ((2, 2), (3, 3)), ((1, 2), (1, 4)), ((3, 3), (2, 4))])
def test_a_truth_of_another_size_is_laid_on_the_pixel_it_answers_to(true, size) -> None:
    rng = np.random.default_rng(11)
    image, kernel = rng.random((20, 21)), rng.standard_normal(true)
    target = convolve(image, kernel, padding="replicate")
    found = learn_kernel(image, kernel, target, size=size, solver="exact", expect=kernel)
    if size[0] >= true[0]:
        assert found.kernel.max_abs_error < 1e-9
        assert found.expectation.met
    else:
        assert found.kernel.max_abs_error > 0.1


@pytest.mark.parametrize("given", [{"image": "noise:mean=1e4"}, {"image": "noise", "lr": 1e-20}])
def test_a_descent_that_hardly_moves_is_an_answer(given) -> None:
    found = learn_kernel(kernel="sobel", **given)
    assert found.status == "max-steps"
    assert found.learning_rate.predicted_steps > 1e6


@pytest.mark.parametrize("tol", [1e-2, 1e-6, 1e-10])
@pytest.mark.parametrize("size", [(1, 2), (3, 3)])
@pytest.mark.parametrize("backend", ["gram", "conv2d"])
def test_the_step_at_which_descent_arrives_is_foretold(tol: float, size, backend: str) -> None:
    found = learn_kernel(size=size, lr=0.01, steps=2000, tol=tol, backend=backend)
    assert found.status == "converged"
    assert found.steps == found.learning_rate.predicted_arrival
    assert learn_kernel(lr=0.02, steps=3, tol=tol).learning_rate.predicted_arrival == np.inf
