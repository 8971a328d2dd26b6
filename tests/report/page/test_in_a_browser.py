"""Pages in a real Chromium: what is seen, moved, sorted, printed, and what they may not do."""

import json
from pathlib import Path

import pytest

NAMES = ("lesson", "trap", "photo", "large", "diverged", "program", "grid", "groups")
WALKS = ("lesson", "trap", "large")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_nobody_is_kept_out(look, pages, name: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    with look(pages[name], color_scheme=scheme) as page:
        found = axe.run(page).response["violations"]
        grave = [
            (one["id"], one["impact"], [node["html"] for node in one["nodes"]][:3])
            for one in found
            if one["impact"] in ("serious", "critical")
        ]
        assert grave == []
        # Milder ones too, by now: the order of headings, landmarks, ids.
        assert [one["id"] for one in found] == []


@pytest.mark.parametrize("name", NAMES)
def test_narrow_screens_scroll_down_alone(look, pages, name: str) -> None:
    with look(pages[name], viewport={"width": 360, "height": 700}) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        wide = page.locator(".scroll").evaluate_all(
            "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.tabIndex)"
        )
        assert set(wide) <= {0}
        if name in ("photo", "grid"):
            assert wide


def _seen(page) -> dict[str, str]:
    """What the slider changes, as it stands."""
    return page.evaluate(
        """() => ({
            told: document.getElementById("told").textContent,
            loss: document.getElementById("loss").textContent,
            marker: document.getElementById("marker").getAttribute("cx") + " "
                + document.getElementById("marker").getAttribute("cy"),
            across: document.getElementById("across").getAttribute("d"),
            down: document.getElementById("down").getAttribute("d"),
            taps: document.querySelector("#moving img")?.src
                ?? [...document.querySelectorAll("#moving tbody td")].map(one => one.textContent).join(" "),
        })"""
    )


@pytest.mark.parametrize("name", WALKS)
def test_slider_moves_all_together_by_keys(look, pages, name: str) -> None:
    with look(pages[name]) as page:
        end = _seen(page)
        page.locator("#step").focus()
        page.keyboard.press("Home")
        first = _seen(page)
        assert first["told"].startswith("step 1 of ")
        page.keyboard.press("ArrowRight")
        second = _seen(page)
        for one, other in ((end, first), (first, second)):
            assert {key for key in one if one[key] == other[key]} == set()
        page.keyboard.press("End")
        assert _seen(page) == end


def test_slider_follows_the_mouse(look, pages, lesson) -> None:
    with look(pages["lesson"]) as page:
        page.locator("#step").scroll_into_view_if_needed()
        box = page.locator("#step").bounding_box()
        page.mouse.move(box["x"] + box["width"] - 8, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + box["height"] / 2, steps=5)
        page.mouse.up()
        seen = _seen(page)
        step = int(seen["told"].split()[1])
        assert 18 <= step <= 23
        # The numbers are those of that state: four digits of them.
        taps = [float(text) for text in seen["taps"].split()]
        assert taps == pytest.approx(lesson.trajectory.kernels[step - 1].ravel().tolist(), rel=1e-3)
        assert float(seen["loss"]) == pytest.approx(lesson.losses[step - 1].loss, rel=1e-3)
        assert page.locator("#step").get_attribute("aria-valuetext") == f"step {step} of 40, loss {seen['loss']}"


def test_heads_sort_the_table(look, pages, grid) -> None:
    with look(pages["grid"]) as page:
        table = page.locator("#runs table")
        errors = [f"{one.max_abs_error:.3g}" for one in grid.runs]
        heads = [text.strip() for text in table.locator("thead th").all_text_contents()]
        column = heads.index("max tap error")

        def shown() -> list[str]:
            return table.locator("tbody tr").locator(f"> :nth-child({column + 1})").all_text_contents()

        assert shown() == errors
        head = table.locator("thead th").nth(column)
        head.locator("button").click()
        assert head.get_attribute("aria-sort") == "ascending"
        assert shown() == sorted(errors, key=float)
        page.keyboard.press("Enter")
        assert head.get_attribute("aria-sort") == "descending"
        assert shown() == sorted(errors, key=float, reverse=True)
        words = table.locator("thead th").nth(heads.index("solver"))
        words.locator("button").click()
        assert head.get_attribute("aria-sort") is None
        solvers = table.locator("tbody tr").locator(f"> :nth-child({heads.index('solver') + 1})").all_text_contents()
        assert solvers == ["exact"] * 3 + ["gd"] * 3
        link = table.locator("tbody a").first
        number = link.text_content()
        link.click()
        assert page.url.endswith(f"#run-{number}")
        assert page.locator(f"#run-{number}").is_visible()


def test_wipe_by_slider_and_by_dragging(look, pages) -> None:
    with look(pages["photo"]) as page:
        clip = "getComputedStyle(document.querySelector('.after')).clipPath"
        assert page.evaluate(clip) == "inset(0px 0px 0px 50%)"
        page.locator("#wipe").focus()
        page.keyboard.press("Home")
        assert page.evaluate(clip) in ("inset(0px 0px 0px 0%)", "inset(0px)")
        page.locator(".stage").scroll_into_view_if_needed()
        box = page.locator(".stage").bounding_box()
        page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 20)
        assert page.locator("#wipe").input_value() == "75"
        assert page.evaluate(clip) == "inset(0px 0px 0px 75%)"


def _luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_numbers_and_figures_read_in_either_scheme(look, pages, scheme: str) -> None:
    with look(pages["photo"], color_scheme=scheme) as page:
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (_luminance(ground) < 0.05) == (scheme == "dark")
        cells = page.locator("table.taps tbody td").evaluate_all(
            "all => all.map(one => [getComputedStyle(one).color, getComputedStyle(one).backgroundColor])"
        )
        assert min(_contrast(*pair) for pair in cells) >= 4.5
        assert len({back for _, back in cells}) >= 5
        words = page.locator(".drawing svg text").evaluate_all("all => all.map(one => getComputedStyle(one).fill)")
        outside = [fill for fill in words if _contrast(fill, ground) >= 4.5]
        assert len(outside) > 50


def test_prints_on_paper(look, pages) -> None:
    with look(pages["trap"], color_scheme="dark") as page:
        page.emulate_media(media="print")
        assert _luminance(page.evaluate("getComputedStyle(document.body).backgroundColor")) > 0.95
        assert page.locator("nav").is_hidden()
        assert page.locator("#step").is_hidden()
        assert page.locator("#download").is_hidden()
        assert page.evaluate("getComputedStyle(document.querySelector('.after')).clipPath") == "none"
        paper = page.pdf(format="A4", print_background=True)
        assert paper.startswith(b"%PDF")
        assert 2 <= paper.count(b"/Type /Page\n") + paper.count(b"/Type /Page ") <= 8


@pytest.mark.parametrize("name", NAMES)
def test_reads_without_scripts(look, pages, name: str) -> None:
    with look(pages[name], java_script_enabled=False) as page:
        assert page.locator("h1").is_visible()
        assert page.locator("table.taps, img.pixels").first.is_visible()
        assert page.locator(".without-js").is_visible()
        for useless in ("#step", "#wipe", "#download"):
            assert page.locator(useless).count() == 0 or page.locator(useless).is_hidden()
        if name == "photo":
            before, after = page.locator(".before").bounding_box(), page.locator(".after").bounding_box()
            assert before["x"] + before["width"] <= after["x"] or before["y"] + before["height"] <= after["y"]
        if name == "lesson":
            page.get_by_text("Losses in numbers").click()
            assert page.get_by_role("cell", name="0.1764").first.is_visible()


@pytest.mark.parametrize("name", ["lesson", "grid"])
def test_carries_its_json(look, pages, lesson, grid, tmp_path: Path, name: str) -> None:
    record = lesson if name == "lesson" else grid
    with look(pages[name]) as page:
        carried = page.evaluate("JSON.parse(document.getElementById('record').textContent)")
        assert carried == json.loads(record.to_json())
        with page.expect_download() as waiting:
            page.get_by_role("button", name="Download the JSON").click()
        waiting.value.save_as(tmp_path / "got.json")
        assert waiting.value.suggested_filename == ("recovery.json" if name == "lesson" else "runs.json")
        assert json.loads((tmp_path / "got.json").read_text()) == json.loads(record.to_json())


def test_what_is_not_in_the_page_does_not_run_or_load(browser, pages) -> None:
    page = browser.new_page()
    page.goto(pages["lesson"].as_uri())
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    failures: list[str] = []
    page.on("requestfailed", lambda request: failures.append(request.failure))
    page.on("requestfinished", lambda request: failures.append(f"loaded {request.url}"))
    page.evaluate(
        """async () => {
            const script = document.createElement("script");
            script.textContent = "window.ran = true";
            const style = document.createElement("style");
            style.textContent = "h1 { display: none }";
            const picture = new Image();
            picture.src = "https://example.invalid/a.png";
            document.body.append(script, style, picture);
            await fetch("https://example.invalid/").catch(() => 0);
            await new Promise((done) => setTimeout(done, 50));
        }"""
    )
    assert page.evaluate("window.ran") is None
    assert page.locator("h1").is_visible()
    assert len([line for line in refused if "Content Security Policy" in line]) >= 4
    assert set(failures) <= {"csp"}
    page.close()
