"""A browser for all tests of pages, and the pages they look at."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import skimage.data

from convkit import Comparison, Recovery, compare, learn_kernel, save_image
from convkit.report.page import comparison_page, recovery_page

Open = Callable[..., Any]

COMMAND = "convkit learn-kernel --lr 0.01 --report lesson.html"


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's Chromium, driven by Playwright; one for all tests."""
    executable = shutil.which("chromium")
    if executable is None:
        pytest.skip("no Chromium: apt-get install chromium")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def look(browser: Any) -> Open:
    """Open a page in a context of its own; whatever it asks for or complains about is an error."""

    @contextmanager
    def opened(path: Path, **options: Any) -> Iterator[Any]:
        context = browser.new_context(
            **{"viewport": {"width": 1200, "height": 800}, "accept_downloads": True} | options
        )
        context.set_default_timeout(5000)
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on("request", lambda request: complaints.append(request.url) if _foreign(request.url, path) else None)
        page.goto(path.as_uri())
        yield page
        context.close()
        assert complaints == []

    return opened


def _foreign(url: str, path: Path) -> bool:
    return url.partition("#")[0] != path.as_uri() and not url.startswith(("data:", "blob:"))


@pytest.fixture(scope="session")
def lesson() -> Recovery:
    return learn_kernel(lr=0.01, keep_steps=True)


@pytest.fixture(scope="session")
def grid() -> Comparison:
    return compare(vary={"noise": [0.1, 0.0, 0.01], "solver": ["gd", "exact"]}, image="noise", kernel="sobel", steps=30)


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Recovery:
    """A photograph of 512x512 pixels, blurred by OpenCV."""
    folder = tmp_path_factory.mktemp("photo")
    before = skimage.data.camera()
    save_image(folder / "before.png", before / 255.0)
    save_image(folder / "after.png", cv2.GaussianBlur(before, (5, 5), 1.1) / 255.0)
    return learn_kernel(image=str(folder / "before.png"), target=str(folder / "after.png"))


@pytest.fixture(scope="session")
def large() -> Recovery:
    """A kernel too large for a table, and more steps than anybody wants to see."""
    image = np.random.default_rng(5).random((64, 64))
    return learn_kernel(image=image, kernel="gaussian:sigma=4,size=21", steps=2000, keep_steps=True)


@pytest.fixture(scope="session")
def pages(
    tmp_path_factory: pytest.TempPathFactory, lesson: Recovery, photo: Recovery, large: Recovery, grid: Comparison
) -> dict[str, Path]:
    """Pages by their names."""
    folder = tmp_path_factory.mktemp("pages")
    texts = {
        "lesson": recovery_page(lesson, command=COMMAND),
        "trap": recovery_page(learn_kernel(size=3, lr=0.01, keep_steps=True)),
        "photo": recovery_page(photo),
        "large": recovery_page(large),
        "diverged": recovery_page(learn_kernel(lr=0.1, keep_steps=True)),
        "program": recovery_page(learn_kernel(program=_two_filters)),
        "grid": comparison_page(grid),
        "groups": comparison_page(grid.grouped(["noise"])),
    }
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in texts}


def _two_filters(picture: np.ndarray) -> np.ndarray:
    """What no single kernel does: it squares."""
    return np.asarray(picture, dtype=np.float64) ** 2
