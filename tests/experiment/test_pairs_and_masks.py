"""Several pairs, masks and outliers, from settings to record."""

import json
from pathlib import Path

import numpy as np
import pytest

from convkit import ConvkitError, convolve, learn_kernel, save_image


def made(rng: np.random.Generator, shape: tuple[int, int], kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    image = rng.random(shape)
    return image, convolve(image, kernel, padding="replicate") + 0.01 * rng.standard_normal(shape)


@pytest.fixture
def pairs(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    kernel = rng.standard_normal((3, 3))
    return [made(rng, shape, kernel) for shape in ((20, 30), (40, 11), (9, 9))]


def solution_of(pairs) -> np.ndarray:
    rows, aims = [], []
    for image, target in pairs:
        view = np.lib.stride_tricks.sliding_window_view(image, (3, 3))
        rows.append(np.hstack([view.reshape(-1, 9), np.ones((view.shape[0] * view.shape[1], 1))]))
        aims.append(target[1:-1, 1:-1].ravel())
    return np.linalg.lstsq(np.vstack(rows), np.concatenate(aims))[0]


def test_several_pairs_are_one_problem(pairs) -> None:
    images, targets = zip(*pairs, strict=True)
    found = learn_kernel(list(images), target=list(targets), size=3, solver="exact")
    expected = solution_of(pairs)
    np.testing.assert_allclose(found.kernel.learned.ravel(), expected[:9], atol=1e-10)
    assert found.bias.learned == pytest.approx(expected[9], abs=1e-10)
    json.dumps(found.to_dict())


@pytest.mark.parametrize("backend", ["gram", "conv2d"])
@pytest.mark.parametrize("loss", ["sum", "mean"])
def test_descent_over_pairs_walks_down_the_sum(pairs, backend: str, loss: str) -> None:
    images, targets = zip(*pairs, strict=True)
    found = learn_kernel(list(images), target=list(targets), size=3, loss=loss, backend=backend, solver="gd", steps=30)
    other = learn_kernel(list(images), target=list(targets), size=3, loss=loss, backend="naive", solver="gd", steps=30)
    seen, expected = ([entry.loss for entry in one.losses] for one in (found, other))
    np.testing.assert_allclose(seen, expected, atol=1e-9 * expected[0])
    np.testing.assert_allclose([entry.predicted for entry in found.losses], expected, rtol=1e-8)


def test_pairs_come_from_a_list_or_a_folder(pairs, tmp_path: Path) -> None:
    for side, place in ((0, "before"), (1, "after")):
        (tmp_path / place).mkdir()
        for index, pair in enumerate(pairs):
            np.save(tmp_path / place / f"{index}.npy", pair[side])
    lines = "".join(f"before/{index}.npy, after/{index}.npy\n" for index in range(3))
    (tmp_path / "list.csv").write_text("Before,After\n" + lines, encoding="utf-8-sig")
    expected = solution_of(pairs)
    for source in (tmp_path, tmp_path / "list.csv"):
        found = learn_kernel(pairs=source, size=3, solver="exact")
        np.testing.assert_allclose(found.kernel.learned.ravel(), expected[:9], atol=1e-10)
        assert found.experiment["pairs"] == str(source)


def test_masked_pixels_do_not_count(pairs, rng) -> None:
    image, target = pairs[0]
    mask = rng.random(target.shape) < 0.7
    spoiled = np.where(mask, target, 1e6)
    found = learn_kernel(image, target=spoiled, mask=mask, size=3, solver="exact")
    view = np.lib.stride_tricks.sliding_window_view(image, (3, 3))[mask[1:-1, 1:-1]].reshape(-1, 9)
    rows = np.hstack([view, np.ones((len(view), 1))])
    expected = np.linalg.lstsq(rows, target[1:-1, 1:-1][mask[1:-1, 1:-1]])[0]
    np.testing.assert_allclose(found.kernel.learned.ravel(), expected[:9], atol=1e-9)
    walked = learn_kernel(image, target=spoiled, mask=mask, size=3, solver="lbfgs", backend="conv2d", steps=100)
    np.testing.assert_allclose(walked.kernel.learned.ravel(), expected[:9], atol=1e-5)


@pytest.mark.parametrize("solver", ["exact", "lbfgs"])
def test_huber_finds_the_kernel_behind_outliers(solver: str, rng) -> None:
    image = rng.random((60, 60))
    target = convolve(image, "sobel") + 0.01 * rng.standard_normal((58, 58))
    target[rng.random(target.shape) < 0.05] = 9.0
    found = learn_kernel(image, "sobel", target, loss="huber", solver=solver, steps=60)
    assert found.kernel.max_abs_error < 0.02
    assert learn_kernel(image, "sobel", target, solver="exact").kernel.max_abs_error > 0.1
    assert found.robust.outliers > 0.05 * target.size
    assert found.final_loss == pytest.approx(found.exact.loss, rel=1e-6)
    assert found.backend == ("gram" if solver == "exact" else "conv2d")


def test_the_covariance_is_that_of_the_unknowns_in_the_records_order(rng) -> None:
    image, noise = rng.random((30, 30)), 0.1 * rng.standard_normal((28, 29))
    for flip in (False, True):
        target = convolve(image, "1,2;3,4;5,6", flip=flip) + noise
        found = learn_kernel(image, target=target, size=(3, 2), flip=flip, solver="exact")
        errors = np.append(found.kernel.standard_error.ravel(), found.bias.standard_error)
        np.testing.assert_allclose(np.sqrt(np.diag(found.covariance)), errors, rtol=1e-12)
        assert "covariance" not in found.to_dict()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"image": ["edges", "edges"], "target": "edges", "size": 1}, "as many targets as images; got 2 images and 1"),
        ({"pairs": "nowhere.csv", "size": 3}, "nowhere.csv"),
        ({"pairs": "nowhere.csv", "image": "edges", "size": 3}, "--pairs with --image"),
        ({"image": "edges", "mask": "noise"}, "got one of 64x64"),
        ({"image": ["edges", "noise"], "mask": ["edges", "edges", "edges"]}, "3 masks for 2 images"),
        ({"image": "noise:size=9", "kernel": "1", "mask": np.zeros((9, 9))}, "a mask that leaves some output"),
        ({"loss": "huber", "backend": "gram"}, "--backend gram with --loss huber"),
        ({"loss": "huber", "solver": "exact", "ridge": 1}, "--loss huber with --ridge"),
        (
            {"image": ["noise", "noise"], "target": ["noise", "noise:size=62"], "size": 3},
            "pair 1 that is of the image's own size, and pair 2 that is valid",
        ),
    ],
)
def test_pairs_and_masks_that_are_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises(ConvkitError, match=message):
        learn_kernel(**given)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.png\n", r"line 1 of .*list\.csv. with 1 columns"),
        ("a.png,b.png\n,c.png\n", "line 2"),
        ("", "names none"),
        ("\x00,\n", r"line 1 of .*list\.csv"),
    ],
)
def test_lists_of_pairs_that_mean_nothing(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(ConvkitError, match=message):
        learn_kernel(pairs=tmp_path / "list.csv", size=3)


def test_a_folder_of_pairs_needs_partners(tmp_path: Path) -> None:
    with pytest.raises(ConvkitError, match="without before/"):
        learn_kernel(pairs=tmp_path, size=3)
    for place in ("before", "after"):
        (tmp_path / place).mkdir()
    save_image(tmp_path / "before" / "x.png", np.ones((4, 4)))
    with pytest.raises(ConvkitError, match=r"x\.png' without a partner"):
        learn_kernel(pairs=tmp_path, size=3)
