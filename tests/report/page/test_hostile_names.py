"""Names that would be markup, if anybody let them."""

from pathlib import Path

import numpy as np
import pytest

from convkit import compare, learn_kernel, save_image
from convkit.report.page import comparison_page, recovery_page

EVIL = [
    '"><script>alert(1)<script>.png',
    "'onload='alert(1)'.png",
    "<img src=x onerror=alert(1)>.png",
    "<!--<script>.png",
    "{{ 7 * 7 }}{% raw %}.png",
    "&lt;b&gt;\u2028\u202e.png",
]


@pytest.mark.parametrize("name", EVIL)
def test_file_names_stay_text(look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    image = np.random.default_rng(3).random((24, 24))
    save_image(name, image)
    (tmp_path / "kernel").mkdir()
    kernel = f"kernel/{name.removesuffix('.png')}.csv"
    Path(kernel).write_text("1,2,1\n", encoding="utf-8")
    save_image("after.png", 0.25 * (image[:, :-2] + 2 * image[:, 1:-1] + image[:, 2:]))
    command = f"convkit learn-kernel --image {name} </code></script><script>alert(1)</script>"
    found = learn_kernel(image=name, target="after.png", kernel=kernel)
    page = tmp_path / "page.html"
    page.write_text(recovery_page(found, command=command), encoding="utf-8")
    with look(page) as seen:
        assert seen.locator("script").count() == 2  # the record and ours
        assert seen.locator("[onerror], [onload]").count() == 0
        assert seen.locator("pre code").text_content() == command
        assert seen.locator("#again td", has_text=name).count() >= 1
        assert seen.evaluate("JSON.parse(document.getElementById('record').textContent).experiment.image") == name


def test_long_names_do_not_widen_the_page(look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = 200 * "w" + ".png"
    save_image(name, np.random.default_rng(3).random((24, 24)))
    one, many = tmp_path / "one.html", tmp_path / "many.html"
    one.write_text(recovery_page(learn_kernel(image=name), command=f"convkit learn-kernel --image {name}"))
    many.write_text(comparison_page(compare(vary={"image": [name, "edges"]})))
    for page in (one, many):
        with look(page, viewport={"width": 360, "height": 700}) as seen:
            assert seen.evaluate("document.documentElement.scrollWidth") <= 360


def test_settings_of_runs_stay_text(look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in EVIL:
        save_image(name, np.random.default_rng(3).random((24, 24)))
    result = compare(vary={"image": EVIL, "solver": ["exact"]}, kernel="1,-1")
    page = tmp_path / "page.html"
    page.write_text(comparison_page(result, command="</script><script>alert(1)</script>"), encoding="utf-8")
    with look(page) as seen:
        assert seen.locator("script").count() == 2
        assert seen.locator("main img").count() == 0
        assert seen.locator("#runs tbody td.words").first.text_content() == EVIL[0]
        assert seen.evaluate("JSON.parse(document.getElementById('record').textContent).runs.length") == len(EVIL)
