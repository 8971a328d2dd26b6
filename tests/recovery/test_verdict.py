"""Verdicts on what real programs make of pictures."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from convkit.recovery import Optimum, Problem, find_optimum
from convkit.recovery.recording import Recording
from convkit.recovery.registered import Registered
from convkit.recovery.verdict import Judgement, Verdict, judge


def corpus() -> ModuleType:
    """The filters that the thresholds were chosen by; the table of all is made by benchmarks/verdicts.py."""
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "verdict_corpus.py"
    spec = importlib.util.spec_from_file_location("verdict_corpus", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["verdict_corpus"] = module
    spec.loader.exec_module(module)
    return module


FILTERS = corpus()
PICTURES = {name: picture[:260, :300] for name, picture in FILTERS.pictures().items()}
EIGHT_BITS = Recording(1 / 255, 0.0, 1.0)
# These blurs round most of what they change away; three pixels' mode is mostly the pixel itself.
UNDECIDED = {"PIL GaussianBlur 0.3", "PIL GaussianBlur 0.5", "mode 3x3"}


def fit(image: np.ndarray, target: np.ndarray, window: int, most: float = 255) -> tuple[Problem, Optimum]:
    reach = -(window // 2)
    mask = (target > 0) & (target < most)
    pair = Registered(image / most, target / most, 1, mask).pair((window, window), (reach, reach))
    problem = Problem((pair,), (window, window))
    return problem, find_optimum(problem, problem.condensed())


def verdict_on(image: np.ndarray, target: np.ndarray, window: int, noise_like: str | None = None) -> Judgement:
    return judge(*fit(image, target, window), EIGHT_BITS, reproduced=False, noise_like=noise_like)


@pytest.mark.parametrize("picture", ["scene", "noise"])
@pytest.mark.parametrize("case", FILTERS.not_linear(), ids=lambda case: case.name)
def test_filters_that_are_not_linear_are_found_out(case, picture: str) -> None:
    image = PICTURES[picture]
    target = case.run(image)
    if case.name in UNDECIDED or (case.name == "blurred, clipped to 16..235" and picture == "noise"):
        pytest.skip("on this picture it is linear: hardly any output is touched")
    judgement = verdict_on(image, target, case.windows[-1])
    assert judgement.verdict is Verdict.NOT_LINEAR, judgement.reason


@pytest.mark.parametrize("picture", ["camera", "scene"])
@pytest.mark.parametrize("case", FILTERS.linear(), ids=lambda case: case.name)
def test_linear_filters_in_whole_numbers_are_linear(case, picture: str) -> None:
    if case.name in UNDECIDED:
        pytest.skip("rounding between passes takes away more than the blur does")
    image = PICTURES[picture]
    judgement = verdict_on(image, case.run(image), case.windows[-1])
    assert judgement.verdict is Verdict.LINEAR, judgement.reason
    assert all(test.passed for test in judgement.evidence if test.name not in ("white noise", "even noise"))


@pytest.mark.parametrize("sigma", [0.5, 2.0, 20.0])
@pytest.mark.parametrize("name", ["PIL SMOOTH", "PIL DETAIL", "cv2 GaussianBlur 1.2", "scipy uniform 3", "identity"])
def test_white_noise_is_noisy(name: str, sigma: float, rng: np.random.Generator) -> None:
    case = next(case for case in FILTERS.linear() if case.name == name)
    image = PICTURES["scene"] // 2 + 64  # clear of the rails
    noisy = case.run(image) + rng.normal(0, sigma, image.shape)
    judgement = verdict_on(image, np.clip(np.rint(noisy), 0, 255), case.windows[-1])
    assert judgement.verdict is Verdict.NOISY
    assert judgement.reason.startswith("a linear filter and white noise: residual")


@pytest.mark.parametrize("quality", [75, 85, 95])
@pytest.mark.parametrize("told", [True, False])
def test_jpeg_is_noisy_and_recognised(quality: int, told: bool) -> None:
    image = PICTURES["camera"]
    case = next(case for case in FILTERS.linear() if case.name == "cv2 GaussianBlur 0.6")
    target = FILTERS.jpeg(case.run(image), quality)
    judgement = verdict_on(image, target, 7, "jpeg" if told else None)
    assert judgement.verdict is Verdict.NOISY, judgement.reason
    assert judgement.reason.startswith("a linear filter and the losses of JPEG")


def test_noise_that_grows_with_the_signal_is_noisy_but_not_even(rng: np.random.Generator) -> None:
    image = PICTURES["scene"]
    case = next(case for case in FILTERS.linear() if case.name == "cv2 GaussianBlur 1.2")
    target = np.clip(np.rint(rng.poisson(case.run(image) * 2.0) / 2.0), 0, 255)
    judgement = verdict_on(image, target, 9)
    assert judgement.verdict is Verdict.NOISY
    assert "noise that is not even" in judgement.reason


def test_sixteen_bits(rng: np.random.Generator) -> None:
    image = rng.integers(0, 65536, (200, 210)).astype(np.uint16)
    import cv2

    target = cv2.GaussianBlur(image, (5, 5), 1.1)
    level = Recording(1 / 65535, 0.0, 1.0)
    assert judge(*fit(image, target, 5, 65535), level, reproduced=False).verdict is Verdict.LINEAR
    curved = np.rint(65535 * (target / 65535) ** 1.01)
    assert judge(*fit(image, curved, 5, 65535), level, reproduced=False).verdict is Verdict.NOT_LINEAR


@pytest.mark.parametrize(
    ("kind", "expected"), [("float32", Verdict.LINEAR), ("noise", Verdict.NOISY), ("square", Verdict.NOT_LINEAR)]
)
def test_float_targets(kind: str, expected: Verdict, rng: np.random.Generator) -> None:
    from scipy import ndimage

    image = rng.random((150, 160))
    target = ndimage.correlate(image.astype(np.float32), rng.standard_normal((5, 5)).astype(np.float32))
    if kind == "noise":
        target = target + 0.01 * rng.standard_normal(target.shape)
    elif kind == "square":
        target = target + 0.01 * target**2
    pair = Registered(image, target).pair((5, 5), (-2, -2))
    problem = Problem((pair,), (5, 5))
    optimum = find_optimum(problem, problem.condensed())
    assert judge(problem, optimum, Recording(), reproduced=False).verdict is expected
