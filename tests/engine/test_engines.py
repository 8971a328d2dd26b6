"""What every engine promises, whoever does the work."""

import operator
import os
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest

from convkit import NormalEquations
from convkit.engine import Engine
from convkit.engine.pairwise import combine_pairwise
from convkit.engine.serial import SerialEngine


def level_by_level(texts: list[str]) -> str:
    """The tree as a drawing of it has it: pairs, pairs of pairs, an odd one goes up as it is."""
    while len(texts) > 1:
        texts = [f"({a}{b})" for a, b in zip(texts[::2], texts[1::2], strict=False)] + texts[len(texts) & ~1 :]
    return texts[0]


@pytest.mark.parametrize("count", range(1, 40))
def test_the_tree_of_a_stream_is_that_of_a_list(count: int) -> None:
    texts = [f"{i}," for i in range(count)]
    assert combine_pairwise(iter(texts), lambda a, b: f"({a}{b})") == level_by_level(texts)


def test_every_item_comes_to_something_once(engine: Engine) -> None:
    outcomes = list(engine.map_unordered(abs, [-5, 3, -1, -1, 0] * 20))
    assert sorted(outcome.index for outcome in outcomes) == list(range(100))
    assert all(outcome.value == [5, 3, 1, 1, 0][outcome.index % 5] and outcome.error is None for outcome in outcomes)
    assert list(engine.map_unordered(abs, [])) == []


def test_what_the_work_raises_comes_through(engine: Engine) -> None:
    with pytest.raises(ZeroDivisionError, match="division"):
        list(engine.map_unordered(lambda x: 1 // x, [1, 0, 2]))
    with pytest.raises(ZeroDivisionError, match="division"):
        engine.tree_reduce(lambda x: 1 // x, [1, 0, 2], operator.add)
    assert [outcome.value for outcome in engine.map_unordered(abs, [-1])] == [1]  # and does no lasting harm


def test_values_may_be_of_any_kind_even_errors(engine: Engine) -> None:
    values = [None, (ValueError, ValueError("no error"), None), ValueError("a value")]
    outcomes = sorted(engine.map_unordered(lambda i: values[i], range(3)), key=lambda outcome: outcome.index)
    assert [str(outcome.value) for outcome in outcomes] == [str(value) for value in values]


def test_an_engine_can_be_left_in_the_middle(engine: Engine) -> None:
    assert len(list(islice(engine.map_unordered(abs, range(1000)), 3))) == 3
    assert [outcome.value for outcome in engine.map_unordered(abs, [-2])] == [2]


def test_neighbours_are_joined_in_order(engine: Engine) -> None:
    for count in (1, 2, 7, 24):
        texts = [f"{i}," for i in range(count)]
        assert engine.tree_reduce(str, texts, lambda a, b: f"({a}{b})") == level_by_level(texts)
    with pytest.raises(ValueError, match="nothing to combine"):
        engine.tree_reduce(str, [], operator.add)


def equations_of_tiles(engine: Engine, path: Path, kernel: np.ndarray) -> NormalEquations:
    """Normal equations over 24 bands of an image in a file: tasks get a path and rows, and read what they need."""
    height = np.load(path, mmap_mode="r").shape[0] - kernel.shape[0] + 1
    edges = np.linspace(0, height, 25).astype(int).tolist()
    size = kernel.shape

    def work(rows: tuple[int, int]) -> NormalEquations:
        from convkit.convolution import convolve

        image = np.load(path, mmap_mode="r")[rows[0] : rows[1] + size[0] - 1]
        return NormalEquations.of(image, convolve(image, kernel), size)

    return engine.tree_reduce(work, list(pairwise(edges)), operator.add)


def test_normal_equations_over_24_tiles_have_the_same_bits_everywhere(engine: Engine, tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    np.save(tmp_path / "image.npy", rng.random((300, 200)))
    kernel = rng.standard_normal((5, 5))
    found = equations_of_tiles(engine, tmp_path / "image.npy", kernel)
    alone = equations_of_tiles(SerialEngine(), tmp_path / "image.npy", kernel)
    assert found.moments.tobytes() == alone.moments.tobytes()
    assert (found.image_shift, found.target_shift) == (alone.image_shift, alone.target_shift)
    assert found.count == 296 * 196
    learned = np.linalg.solve(found.gram, found.moment)[:-1].reshape(5, 5)
    np.testing.assert_allclose(learned, kernel, atol=1e-10)


def test_workers_run_linear_algebra_in_one_thread_and_keep_their_memory(engine: Engine) -> None:
    names = ("OMP_NUM_THREADS", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_")
    (outcome,) = engine.map_unordered(lambda names: [os.environ.get(name) for name in names], [names])
    if not isinstance(engine, SerialEngine):
        assert outcome.value == [os.environ["OMP_NUM_THREADS"], str(2**28), str(2**28)]
