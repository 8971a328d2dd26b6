"""Names within error bars: the right one wins, its parameters are covered, and what differs is refused."""

import numpy as np
import pytest

from convkit.kernel import named_kernel
from convkit.recovery.naming import Match, name_kernel

DRAWS = 15


def in_window(taps: np.ndarray, side: int) -> np.ndarray:
    window = np.zeros((side, side))
    top, left = ((side - 1) // 2 - (length - 1) // 2 for length in taps.shape)
    window[top : top + taps.shape[0], left : left + taps.shape[1]] = taps
    return window


def covariance_of(kind: str, side: int, error: float) -> np.ndarray:
    """Errors as a noise chart leaves them, and as a photograph does: small in the mean, large from tap to tap."""
    if kind == "chart":
        return error**2 * np.eye(side**2)
    rows, columns = np.divmod(np.arange(side**2), side)
    distance = np.hypot(rows[:, None] - rows, columns[:, None] - columns)
    covariance = np.linalg.inv(np.exp(-distance / 20) + 1e-3 * np.eye(side**2))
    return covariance * error**2 / np.diag(covariance).mean()


def draws(taps: np.ndarray, covariance: np.ndarray, count: int, seed: int) -> list[np.ndarray]:
    root = np.linalg.cholesky(covariance)
    rng = np.random.default_rng(seed)
    return [taps + (root @ rng.standard_normal(taps.size)).reshape(taps.shape) for _ in range(count)]


def centred(taps: np.ndarray) -> tuple[int, int]:
    return -((taps.shape[0] - 1) // 2), -((taps.shape[1] - 1) // 2)


def found(taps: np.ndarray, covariance: np.ndarray, name: str) -> Match | None:
    naming = name_kernel(taps, covariance, centred(taps))
    return next((match for match in naming.names if match.name == name), None)


@pytest.mark.parametrize("kind", ["chart", "photograph"])
@pytest.mark.parametrize("error", [1e-3, 1e-2, 5e-2])
@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("sobel", "sobel"),
        ("scharr", "scharr"),
        ("laplacian8", "laplacian8"),
        ("box:4x4", "box"),
        ("disk:3.3", "disk"),
        ("motion:9,30", "motion"),
        ("gaussian:1.2,9", "gaussian"),
        ("log:1.4,9", "log"),
    ],
)
def test_the_right_name_comes_first(kind: str, error: float, text: str, name: str) -> None:
    """Errors up to a twentieth of the largest tap; a Gaussian may as well be one of its near relatives.

    ImageMagick's of sigma 1.168 is 1.6 in chi-square away from it on the photograph, at the smallest error, and comes
    first in 8 % of the draws: in three of five with a probability of 0.4 %.
    """
    taps = in_window(named_kernel(text).taps, 9)
    covariance = covariance_of(kind, 9, error * np.abs(taps).max())
    namings = [name_kernel(one, covariance, (-4, -4)) for one in draws(taps, covariance, 5, seed=3)]
    first = [naming.names[0].name if naming.names else None for naming in namings]
    assert all(name in [match.name for match in naming.names] for naming in namings)
    assert first.count(name) >= (5 if error < 1e-2 and name != "gaussian" else 3)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["chart", "photograph"])
@pytest.mark.parametrize("error", [1e-3, 1e-2])
@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("gaussian:1.2,13", {"sigma": 1.2}),
        ("disk:3.3", {"radius": 3.3}),
        ("motion:9,33", {"length": 9, "angle": 33}),
        ("unsharp:1.2,1.5,11", {"sigma": 1.2, "amount": 1.5}),
        ("log:1.4,13", {"sigma": 1.4}),
        ("pillow/box-blur:1.7", {"height": 4.4, "width": 4.4}),
    ],
)
def test_error_bars_of_parameters_cover(kind: str, error: float, text: str, parameters: dict[str, float]) -> None:
    """Of 200 draws, 95 % intervals should hold the truth 190 times; fewer than 178 is one chance in 10⁴.

    The root mean square of the errors in units of the bars has a standard error of 0.05.
    """
    _assert_coverage(kind, error, text, parameters, count=200, least=178, slack=0.2)


def test_the_error_bar_of_a_sigma_covers() -> None:
    """Of 40 draws 38 should be held by 95 %; fewer than 33 would be one chance in 300, as is a slack of 0.33."""
    _assert_coverage("chart", 1e-2, "gaussian:1.2,13", {"sigma": 1.2}, count=40, least=33, slack=0.33)


def _assert_coverage(
    kind: str, error: float, text: str, parameters: dict[str, float], count: int, least: int, slack: float
) -> None:
    taps = in_window(named_kernel(text).taps, 13)
    covariance = covariance_of(kind, 13, error * np.abs(taps).max())
    name = {"pillow/box-blur": "box"}.get(text.partition(":")[0], text.partition(":")[0])
    pulls: dict[str, list[float]] = {key: [] for key in [*parameters, "gain"]}
    for one in draws(taps, covariance, count, seed=11):
        match = found(one, covariance, name)
        assert match is not None
        pulls["gain"].append((match.gain - 1) / match.gain_error)
        for parameter in match.parameters:
            if parameter.name in parameters:
                pulls[parameter.name].append((parameter.value - parameters[parameter.name]) / parameter.error)
    for key, values in pulls.items():
        assert np.sum(np.abs(values) < 1.96) >= least, key
        assert np.sqrt(np.mean(np.square(values))) == pytest.approx(1, abs=slack), key


@pytest.mark.parametrize("side", [7, 13])
@pytest.mark.parametrize("text", ["sobel", "box:5", "gaussian:1.2,7"])
def test_one_tap_off_by_twelve_standard_errors_is_refused(side: int, text: str) -> None:
    taps = in_window(named_kernel(text).taps, side)
    error = 1e-3 * np.abs(taps).max()
    covariance = error**2 * np.eye(taps.size)
    name = text.partition(":")[0]
    for one in draws(taps, covariance, 4, seed=5):
        assert found(one, covariance, name)
        one[side // 2 + 1, side // 2] += 12 * error
        assert not found(one, covariance, name)


def test_a_small_change_of_many_taps_is_refused() -> None:
    """Scharr's weights with 9.8 instead of 10: with the best gain, each corner is 4 standard errors off."""
    taps = in_window(np.outer([3, 9.8, 3], [-1.0, 0, 1]), 13)
    covariance = 0.015**2 * np.eye(169)
    refused = [found(one, covariance, "scharr") is None for one in draws(taps, covariance, DRAWS, seed=6)]
    assert np.mean(refused) > 0.8
    own = in_window(np.outer([3, 10, 3], [-1.0, 0, 1]), 13)
    assert all(found(one, covariance, "scharr") for one in draws(own, covariance, DRAWS, seed=6))


def test_a_family_is_no_name_for_a_kernel_that_it_fits_trivially() -> None:
    """Sobel's two weights are a Gaussian's slope of some sigma and gain, however noise tilts it."""
    taps = in_window(named_kernel("sobel").taps, 7)
    covariance = 1e-6 * np.eye(49)
    for one in draws(taps, covariance, 5, seed=7):
        names = [match.name for match in name_kernel(one, covariance, (-3, -3)).names]
        assert names[0] == "sobel"
        assert "gaussian-slope" not in names


def test_a_plain_name_comes_before_the_same_kernel_of_a_basis() -> None:
    taps = np.full((3, 3), 0.153)
    naming = name_kernel(taps, 1e-8 * np.eye(9), (-1, -1))
    assert [match.name for match in naming.names] == ["box"]


def test_wide_error_bars_let_many_names_through_and_count_them() -> None:
    taps = in_window(named_kernel("gaussian:0.85,3").taps, 5)
    covariance = (0.05 * taps.max()) ** 2 * np.eye(25)
    naming = name_kernel(draws(taps, covariance, 1, seed=2)[0], covariance, (-2, -2))
    assert {"binomial", "gaussian"} <= {match.name for match in naming.names}
    assert naming.names[0].name == "binomial"
    assert naming.text.endswith(f"{len(naming.names)} names fit in all")
    scores = [match.score for match in naming.names]
    assert scores == sorted(scores)


def test_noise_alone_has_no_name(rng: np.random.Generator) -> None:
    taps = 1e-3 * rng.standard_normal((7, 7))
    naming = name_kernel(taps, 1e-6 * np.eye(49), (-3, -3))
    assert naming.text == "no known name: no tap stands out from its error bar"


def test_tails_trimmed_as_noise_do_not_hide_a_gaussian() -> None:
    """Sigma 1.5 recovered on 11x11 and trimmed to the 7x7 that is seen; the tails cut off are below its errors."""
    taps = named_kernel("gaussian:1.5,21").taps[7:14, 7:14]
    error = 0.02 * taps.max()
    covariance = error**2 * np.eye(49)
    for one in draws(taps, covariance, 10, seed=8):
        match = found(one, covariance, "gaussian")
        assert match is not None
        assert "truncated" not in match.text
        assert abs(match.parameters[0].value - 1.5) < 4 * match.parameters[0].error
    # With sharp error bars the same window was cut off by the program.
    match = found(taps, np.zeros((49, 49)), "gaussian")
    assert match is not None
    assert "truncated to 7x7" in match.text


def test_a_named_kernel_larger_than_the_window_needs_what_it_lacks_to_be_unseen() -> None:
    sobel5 = named_kernel("opencv/sobel:5").taps
    assert found(sobel5[:, 1:], np.zeros((20, 20)), "opencv/sobel") is None
    # The largest tap of the column that is lacking would stand out by 4.6 standard errors.
    covariance = 1.3**2 * np.eye(20)
    for one in draws(sobel5[:, 1:], covariance, 4, seed=1):
        assert "opencv/sobel" not in [match.name for match in name_kernel(one, covariance, (-2, -1)).names]
    wide = named_kernel("opencv/sobel:7").taps[1:-1]  # its outer rows are 1/20 of the middle one
    covariance = (wide.max() / 12) ** 2 * np.eye(wide.size)
    assert any(found(one, covariance, "opencv/sobel") for one in draws(wide, covariance, 4, seed=1))


def test_open_directions_are_not_judged(rng: np.random.Generator) -> None:
    """A picture that shows 5 of 9 directions: its minimum-norm kernel is far from Sobel in the other four."""
    directions = np.linalg.qr(rng.standard_normal((9, 9)))[0][:, :5]
    projection = directions @ directions.T
    sobel = named_kernel("sobel").taps
    shown = (projection @ sobel.ravel()).reshape(3, 3) / 4
    assert np.abs(shown - sobel / 4).max() > 0.05
    naming = name_kernel(shown, 1e-8 * projection, (-1, -1))
    match = next(match for match in naming.names if match.name == "sobel")
    assert match.gain == pytest.approx(1 / 4, abs=1e-3)
    assert naming.note == "as far as the data tell: 5 of 9 directions"
    wrong = shown + 0.01 * directions[:, :1].reshape(3, 3)  # a hundred standard errors along one that is shown
    assert "sobel" not in [match.name for match in name_kernel(wrong, 1e-8 * projection, (-1, -1)).names]


def test_a_noise_level_from_few_outputs_judges_less_sharply() -> None:
    """Chi-square 2.6 per direction refuses a name; an F ratio of 2.6 over 5 degrees of freedom does not."""
    taps = in_window(named_kernel("box:3").taps, 5)
    error = 0.02 * taps.max()
    noisy = draws(taps, 2.6 * error**2 * np.eye(25), 1, seed=9)[0]
    names = {
        samples: [match.name for match in name_kernel(noisy, error**2 * np.eye(25), (-2, -2), samples=samples).names]
        for samples in (30, None)
    }
    assert "box" in names[30]
    assert "box" not in names[None]


@pytest.mark.parametrize("text", ["gaussian:10,61", "disk:28.3", "motion:55,33", "box:51", "sobel"])
def test_large_windows(text: str) -> None:
    """More than 625 taps are judged by sums of neighbours; the whole answer is there all the same."""
    taps = in_window(named_kernel(text).taps, 63)
    error = 1e-2 * np.abs(taps).max()
    noisy = taps + error * np.random.default_rng(4).standard_normal(taps.shape)
    naming = name_kernel(noisy, error**2 * np.eye(taps.size), (-31, -31))
    assert naming.names[0].name == text.partition(":")[0]
    if text.startswith(("disk", "motion")):
        truth = [float(part) for part in text.partition(":")[2].split(",")]
        for parameter, value in zip(naming.names[0].parameters, truth, strict=True):
            assert abs(parameter.value - value) < 4 * parameter.error
    assert naming.note.startswith("judged by sums of") == (text != "sobel")


def test_sums_of_neighbours_do_not_hide_one_wrong_tap() -> None:
    taps = in_window(named_kernel("disk:20.3").taps, 63)
    error = 1e-2 * taps.max()
    noisy = taps + error * np.random.default_rng(4).standard_normal(taps.shape)
    assert found(noisy, error**2 * np.eye(taps.size), "disk")
    noisy[25, 30] += 9 * error
    assert not found(noisy, error**2 * np.eye(taps.size), "disk")


def test_a_broad_bell_is_named_by_all_of_it_where_no_tap_stands_out() -> None:
    """225 taps of 2 to 4.5 standard errors each: none is seen, and all together are no noise."""
    taps = named_kernel("gaussian:8,15").taps
    error = float(taps.max()) / 4.5
    noisy = draws(taps, error**2 * np.eye(225), 1, seed=3)[0]
    assert np.abs(noisy).max() < 8 * error
    match = found(taps, error**2 * np.eye(225), "gaussian")
    assert match is not None
    assert match.parameters[0].value == pytest.approx(8.0, abs=4 * match.parameters[0].error)
