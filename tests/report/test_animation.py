"""Descents as moving pictures: what the frames show, in which order, and how large the files are."""

import io
import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import convkit
from convkit.report.animation import MOST_FRAMES, animated
from convkit.report.palette import BLUE, NEUTRAL, ORANGE, colour_of


def frames(content: bytes) -> list[np.ndarray]:
    with Image.open(io.BytesIO(content)) as picture:
        shown = []
        for index in range(picture.n_frames):
            picture.seek(index)
            shown.append(np.asarray(picture.convert("RGB")))
        return shown


def durations(content: bytes) -> list[int]:
    with Image.open(io.BytesIO(content)) as picture:
        told = []
        for index in range(picture.n_frames):
            picture.seek(index)
            picture.load()
            told.append(int(picture.info["duration"]))
        return told


def has(frame: np.ndarray, colour: tuple[int, int, int], tolerance: int = 0) -> int:
    return int((np.abs(frame.astype(int) - colour).max(axis=-1) <= tolerance).sum())


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp"])
def test_every_step_of_the_lesson_is_a_frame(lesson: convkit.Recovery, suffix: str) -> None:
    content = animated(lesson, "lesson" + suffix)
    shown = frames(content)
    assert len(shown) == 41  # before the first step, and after each
    assert shown[0].shape == (300, 760, 3)
    assert all(not np.array_equal(one, other) for one, other in itertools.pairwise(shown))
    assert len(content) < 2_000_000
    assert animated(lesson, "again" + suffix) == content
    assert durations(content)[-1] == 2500


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_cells_have_the_colours_of_their_taps(lesson: convkit.Recovery, suffix: str) -> None:
    shown = frames(animated(lesson, "lesson" + suffix))
    for index in (0, 3, 40):
        for tap in lesson.trajectory.kernels[index].ravel():
            # Half a cell is free of its number.
            assert has(shown[index], colour_of(float(tap))) > 2000


def test_a_gif_has_nearly_the_colours_of_the_taps_and_white_paper(lesson: convkit.Recovery) -> None:
    shown = frames(animated(lesson, "lesson.gif"))
    for frame in shown:
        assert tuple(frame[2, 2].tolist()) == (255, 255, 255)
    assert has(shown[-1], ORANGE, 8) > 10_000
    assert has(shown[-1], BLUE, 8) > 10_000


def test_zero_is_neutral(open_ended: convkit.Recovery) -> None:
    shown = frames(animated(open_ended, "open.png"))
    assert has(shown[0], NEUTRAL) > 10_000  # seven taps of the true kernel


def test_long_descents_leave_frames_out_and_say_so() -> None:
    found = convkit.learn_kernel(steps=20_000, lr=0.01, keep_steps=True)
    content = animated(found, "long.gif")
    assert len(frames(content)) == MOST_FRAMES
    assert len(content) < 500_000


def test_a_descent_that_diverges_can_be_seen_to() -> None:
    found = convkit.learn_kernel(lr=0.02, keep_steps=True)
    shown = frames(animated(found, "beyond.png"))
    assert len(shown) == len(found.trajectory)
    # The loss climbs: its dot is at the bottom at first, at the top in the end.
    right = slice(500, None)
    heights = [np.argwhere(np.abs(frame[:, right].astype(int) - BLUE).max(axis=-1) < 30)[:, 0] for frame in shown]
    assert heights[1].max() > 220
    assert heights[-1].min() < 90


def test_big_kernels_are_drawn_without_numbers() -> None:
    found = convkit.learn_kernel(
        image="noise:size=90,mean=0", kernel="gaussian:sigma=5,size=31", steps=12, keep_steps=True
    )
    assert len(animated(found, "big.gif")) < 2_000_000


def test_the_picture_of_the_readme_is_what_the_tool_makes(lesson: convkit.Recovery, root: Path) -> None:
    stored = frames((root / "pictures/lesson.gif").read_bytes())
    fresh = frames(animated(lesson, "lesson.gif"))
    assert len(stored) == len(fresh)
    for one, other in zip(stored, fresh, strict=True):
        # Other versions of Pillow draw letters a little differently.
        assert np.abs(one.astype(int) - other).mean() < 1.0
