"""Verdicts on filters of real programs: false alarms, misses, and how far each is from the threshold.

Run with `linear`, `not-linear`, `random` or nothing for all three.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from side_by_side import write
from verdict_corpus import Bytes, jpeg, linear, not_linear, pictures, random_kernels

from convkit import convolve
from convkit.recovery import Optimum, Problem, find_optimum
from convkit.recovery.problem import Pair
from convkit.recovery.recording import Recording
from convkit.recovery.registered import Registered
from convkit.recovery.verdict import Evidence, Judgement, judge

EIGHT_BITS = Recording(1 / 255, 0.0, 1.0)
# Noise on outputs that were clipped before is another model: `random` adds it before.
MOST_CLIPPED = 0.003
STRUCTURE = ("neglected", "curve", "tiles", "parity", "8x8")


def fitted(image: Bytes, target: Bytes, window: int) -> tuple[Problem, Optimum] | None:
    """Fit as the pipeline does: saturated outputs left out, or censored when there is noise."""
    reach = -(window // 2)
    used = (target > 0) & (target < 255)
    pair = Registered(image / 255, target / 255, 1, used).pair((window, window), (reach, reach))
    if pair.count < 2 * window**2:
        return None
    problem = Problem((pair,), (window, window))
    optimum = find_optimum(problem, problem.condensed())
    noisy = optimum.residual_squares / optimum.count > 4 / 12 / 255**2
    return problem, censored(pair, optimum, problem) if noisy and not pair.mask.all() else optimum


def censored(pair: Pair, optimum: Optimum, problem: Problem, rounds: int = 25) -> Optimum:
    """Tobit's maximum likelihood by expectation and maximisation."""
    sigma = np.sqrt(optimum.residual_squares / optimum.count)
    low, high = pair.target == 0, pair.target == 1
    for _ in range(rounds):
        answer = convolve(pair.image, optimum.point.taps) + optimum.point.bias
        clear = pair.mask & (answer > 2 * sigma) & (answer < 1 - 2 * sigma)
        if np.count_nonzero(clear) > 500:
            sigma = np.sqrt(np.square(pair.target - answer)[clear].mean())
        full = pair.target.copy()
        for side, sign, rail in ((low, -1, 0), (high, 1, 1)):
            depth = sign * (rail - answer[side]) / sigma
            full[side] = answer[side] + sign * sigma * np.exp(norm.logpdf(depth) - norm.logsf(depth))
        complete = Problem.of(pair.image, full, problem.size)
        optimum = find_optimum(complete, complete.condensed())
    answer = convolve(pair.image, optimum.point.taps) + optimum.point.bias
    left = (pair.target - answer)[pair.mask]
    return replace(optimum, residual_squares=float(left @ left), count=float(left.size))


def strongest(judgement: Judgement) -> Evidence | None:
    """Return the test of structure that explained most."""
    found = [test for test in judgement.evidence if test.name.startswith(STRUCTURE)]
    return max(found, key=lambda test: test.effect, default=None)


def row(name: str, picture: str, window: int, image: Bytes, target: Bytes) -> dict[str, object] | None:
    found = fitted(image, target, window)
    if found is None:
        return None
    began = time.perf_counter()
    judgement = judge(*found, EIGHT_BITS, reproduced=False)
    seconds = time.perf_counter() - began
    test = strongest(judgement)
    roundings = judgement.evidence[0].effect if judgement.evidence else float("nan")
    made = {
        "filter": name,
        "picture": picture,
        "window": window,
        "verdict": judgement.verdict.value,
        "roundings": round(roundings, 2),
        "share": None if test is None else round(test.effect, 4),
        "test": None if test is None else test.name,
        "seconds": round(seconds, 3),
        "reason": judgement.reason,
    }
    print(
        f"{name:28s} {picture:7s} {window:2d} {made['verdict']:12s} {made['roundings']:10.2f} "
        f"{made['share'] or 0:7.4f} {made['test'] or '':34s} {judgement.reason}",
        flush=True,
    )
    return made


def after(seed: int) -> dict[str, Callable[[Bytes], Bytes]]:
    """Return what may happen to a filter's output."""
    rng = np.random.default_rng(seed)

    def stored(values: NDArray[np.float64]) -> Bytes:
        return np.clip(np.rint(values), 0, 255).astype(np.uint8)

    return {
        "": lambda y: y,
        " + noise 2": lambda y: stored(y + rng.normal(0, 2, y.shape)),
        " + noise 20": lambda y: stored(y + rng.normal(0, 20, y.shape)),
        " + Poisson": lambda y: stored(rng.poisson(y * 2.0) / 2.0),
        " as JPEG 75": lambda y: jpeg(y, 75),
        " as JPEG 95": lambda y: jpeg(y, 95),
    }


def of_linear(kinds: list[str]) -> list[dict[str, object]]:
    ways = after(1)
    return [
        made
        for kind in kinds
        for case in linear()
        for name, image in pictures().items()
        if (clean := case.run(image)).size
        and (not kind or np.mean((clean == 0) | (clean == 255)) < MOST_CLIPPED)
        and (target := ways[kind](clean)).size
        and (made := row(case.name + kind, name, case.windows[-1], image, target))
    ]


def of_not_linear() -> list[dict[str, object]]:
    return [
        made
        for case in not_linear()
        for name, image in pictures().items()
        for window in case.windows
        if (made := row(case.name, name, window, image, case.run(image)))
    ]


def of_random(count: int = 200) -> list[dict[str, object]]:
    """Random filters, noise from 0 to 20 levels, in windows one or two pixels too large."""
    rng, rows = np.random.default_rng(7), []
    images = pictures()
    for n, (taps, offset) in enumerate(random_kernels(count, 6)):
        name = list(images)[n % 3]
        image, sigma = images[name], (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)[n % 7]
        kh, kw = taps.shape
        answer = convolve(image.astype(float), taps, padding="replicate") + offset
        noisy = answer + sigma * rng.standard_normal(answer.shape)
        target = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
        made = row(f"random {kh}x{kw} + noise {sigma}", name, max(kh, kw), image, target)
        rows += [made] if made else []
    return rows


def summarised(rows: list[dict[str, object]], kind: str) -> dict[str, object]:
    """Return how often each verdict was given, and the shares next to the threshold."""
    shares = sorted((float(str(made["share"] or 0.0)), f"{made['filter']}, {made['picture']}") for made in rows)
    counts = Counter(str(made["verdict"]) for made in rows)
    return {"kind": kind, "verdicts": dict(counts), "smallest": shares[:12], "largest": shares[-6:]}


def main() -> None:
    asked = sys.argv[1:] or ["linear", "not-linear", "random"]
    made = []
    if "linear" in asked:
        made += [summarised(of_linear([kind]), f"linear{kind}") for kind in after(0)]
    if "not-linear" in asked:
        made.append(summarised(of_not_linear(), "not-linear"))
    if "random" in asked:
        made.append(summarised(of_random(), "random"))
    for summary in made:
        print(summary)
    if not sys.argv[1:]:
        write("verdicts", made)


if __name__ == "__main__":
    main()
