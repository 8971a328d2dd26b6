"""Draw scene.png: a picture with the statistics of a photograph, so that the repository ships no one's photograph.

A field with a 1/f amplitude spectrum (Field, J. Opt. Soc. Am. A 4, 1987: that of natural scenes) gives the soft
texture; overlapping discs and half-planes of random brightness ("dead leaves") give the edges. Run it to draw the
same file again: python pictures/draw_scene.py
"""

from pathlib import Path

import numpy as np

from convkit import save_image

HEIGHT, WIDTH = 320, 384


def natural_field(rng: np.random.Generator) -> np.ndarray:
    """White noise shaped to an amplitude of 1/f."""
    spectrum = np.fft.rfft2(rng.standard_normal((HEIGHT, WIDTH)))
    frequency = np.hypot(np.fft.fftfreq(HEIGHT)[:, None], np.fft.rfftfreq(WIDTH)[None])
    frequency[0, 0] = 1.0
    field = np.fft.irfft2(spectrum / frequency, (HEIGHT, WIDTH))
    return (field - field.mean()) / field.std()


def dead_leaves(rng: np.random.Generator, count: int = 60) -> np.ndarray:
    """Discs that hide each other, with radii that fall off as in nature."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    scene = np.full((HEIGHT, WIDTH), 0.5)
    scene[rows > HEIGHT * 0.62 + 12 * np.sin(columns / 40.0)] = 0.32  # a horizon
    for _ in range(count):
        radius = 5.0 / rng.uniform(0.05, 1.0)
        y, x = rng.uniform(0, HEIGHT), rng.uniform(0, WIDTH)
        scene[np.hypot(rows - y, columns - x) < radius] = rng.uniform(0.1, 0.9)
    return scene


def main() -> None:
    """Draw the picture beside this file."""
    rng = np.random.default_rng(7)
    scene = dead_leaves(rng) + 0.06 * natural_field(rng)
    save_image(Path(__file__).with_name("scene.png"), np.clip(scene, 0.0, 1.0))


if __name__ == "__main__":
    main()
