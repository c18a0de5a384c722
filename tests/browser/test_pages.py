"""The pages that `dbt-forensics report` writes, as Chromium shows them: alone, by keyboard, dark, narrow and on paper.

The pages are the golden ones of the unit tests, which say that rendering gives exactly these.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

GOLDEN = Path(__file__).parents[1] / "unit" / "golden"
PAGES = sorted(GOLDEN.glob("*.html"))
EVENTFUL = [page for page in PAGES if page.stem.endswith("eventful")]
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
NARROW = {"width": 360, "height": 740}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    assert CHROMIUM, "There is no Chromium: install Debian's, or name one in CHROMIUM."
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(offline=True)
    yield context.new_page()
    context.close()


def show(page: Page, path: Path, scheme: str = "light") -> Page:
    page.emulate_media(color_scheme=scheme)
    page.goto(path.as_uri())
    return page


def luminance(page: Page) -> float:
    red, green, blue = page.evaluate(
        "getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).slice(0, 3).map(Number)"
    )
    return float(0.2126 * red + 0.7152 * green + 0.0722 * blue)


def test_there_are_pages() -> None:
    assert {page.stem.partition("_")[0] for page in EVENTFUL} == {"report", "dashboard"}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_is_one_file_and_runs_nothing(page: Page, path: Path) -> None:
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    show(page, path)
    assert [url for url in asked if not url.startswith("data:")] == [path.as_uri()]
    assert said == []
    assert page.locator("script, iframe, object, embed").count() == 0
    handlers = "[...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames()).filter(n => n.startsWith('on'))"
    assert page.evaluate(handlers) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_nothing_stands_in_the_way_of_people(page: Page, path: Path, scheme: str) -> None:
    """By the rules of axe-core: names, roles, headings, landmarks, contrast; with all that is folded opened."""
    show(page, path, scheme)
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    found = Axe().run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"], len(one["nodes"])) for one in found] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_dark_is_dark_and_light_is_light(page: Page, path: Path) -> None:
    assert luminance(show(page, path, "light")) > 200
    assert luminance(show(page, path, "dark")) < 60


@pytest.mark.parametrize("path", EVENTFUL, ids=lambda path: path.stem)
def test_all_that_can_be_reached_is_reached_by_keyboard(page: Page, path: Path) -> None:
    """In the order of the page, each with a ring around it; Enter opens what is folded."""
    show(page, path)
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = false })")
    reachable = "a[href], summary, [tabindex='0']"
    visible = f'[...document.querySelectorAll("{reachable}")].filter(one => one.checkVisibility())'
    count = page.evaluate(f"{visible}.length")
    assert count >= 5
    reached = []
    for _ in range(count):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(f"{visible}.indexOf(document.activeElement)"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
        if page.evaluate("document.activeElement.tagName") == "SUMMARY":
            page.keyboard.press("Enter")
            assert page.evaluate("document.activeElement.parentElement.open")
            page.keyboard.press("Enter")
    assert reached == list(range(count))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_narrow_screen_shows_it_without_scrolling_sideways(page: Page, path: Path) -> None:
    page.set_viewport_size(NARROW)
    show(page, path)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_on_paper_nothing_is_folded_or_cut_off(page: Page, path: Path) -> None:
    show(page, path, "dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert luminance(page) > 200
    hidden = (
        "[...document.querySelectorAll('details > :not(summary)')].filter(one => !one.getBoundingClientRect().height)"
        ".map(one => one.outerHTML.slice(0, 80))"
    )
    assert page.evaluate(hidden) == []
    cut = (
        "[...document.querySelectorAll('.scroll, pre')].filter(one => one.scrollWidth > one.clientWidth + 1)"
        ".map(one => one.outerHTML.slice(0, 80))"
    )
    page.set_viewport_size({"width": 718, "height": 1000})  # A4 at 96 dots per inch, without margins of 1 cm
    assert page.evaluate(cut) == []
    assert page.pdf(format="A4").startswith(b"%PDF")
