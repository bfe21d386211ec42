"""The page in a real browser: it sorts, filters and replays, from file://, without an error or a request."""

import re
import shutil
from pathlib import Path

import pytest

from kalamos.benchmark import leaderboard, run
from kalamos.benchmark.page import page_data, write_page

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs")
    run.bench("synthetic-3scripts", ("good-continuation", "nearest"), Path(), out, cache=out / "tasks", limit=40)
    return leaderboard.find_results([out])


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api")
    if BROWSER is None:
        pytest.skip("no Chromium on this machine; install it to run the page's tests")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser, results, tmp_path):
    file = tmp_path / "leaderboard.html"
    write_page(results, file)
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    faults = []
    page.on("console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: faults.append(request.url) if request.url.startswith("http") else None)
    page.goto(file.as_uri())
    yield page
    page.close()
    assert faults == []


def first_entries(page):
    return page.locator("#board tbody th").all_inner_texts()


def test_the_table_sorts_both_ways(page):
    assert first_entries(page)[0] == "good-continuation"
    page.click("th[data-column=aiou] button")
    values = [
        float(text.split("\n")[0].lstrip("="))
        for text in page.locator("#board tbody td:nth-child(9)").all_inner_texts()
    ]
    ranked = values[:2]
    assert ranked == sorted(ranked, reverse=True)
    down = first_entries(page)[:2]
    assert page.get_attribute("th[data-column=aiou]", "aria-sort") == "descending"
    page.click("th[data-column=aiou] button")
    assert page.get_attribute("th[data-column=aiou]", "aria-sort") == "ascending"
    assert first_entries(page)[:2] == down[::-1]


def test_controls_and_all_metrics_can_be_chosen(page):
    assert "reversed" in first_entries(page)
    page.uncheck("#controls")
    assert first_entries(page) == ["good-continuation", "nearest"]
    columns = page.locator("#board thead th").count()
    page.check("input[name=columns][value=all]")
    assert page.locator("#board thead th").count() > columns + 10


def test_the_replay_moves_and_stops_and_scrubs(page):
    def picture():
        return page.evaluate("document.querySelectorAll('canvas')[1].toDataURL()")

    before = picture()
    page.wait_for_timeout(600)
    assert picture() != before
    page.click("#play")
    still = picture()
    page.wait_for_timeout(300)
    assert picture() == still
    page.evaluate("document.getElementById('scrub').value = 500")
    page.dispatch_event("#scrub", "input")
    half = picture()
    page.click("#forth")
    assert picture() != half
    page.select_option("#colour", "stroke")
    assert page.inner_text("#play") == "Play"


def test_samples_are_ordered_filtered_and_stepped_through(page, results):
    assert page.inner_text("#place") == "1 of 40"
    page.click("#next")
    assert page.inner_text("#place") == "2 of 40"
    page.keyboard.press("Tab")
    page.locator("body").click(position={"x": 3, "y": 3})
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#place") == "1 of 40"
    worst = float(re.search(r"ldtw ([\d.]+)", page.inner_text("#panels figure:nth-child(3) figcaption")).group(1))
    page.select_option("#order", "best")
    best = float(re.search(r"ldtw ([\d.]+)", page.inner_text("#panels figure:nth-child(3) figcaption")).group(1))
    assert best < worst
    page.select_option("#script", "Arab")
    shown = int(page.inner_text("#place").split()[-1])
    assert shown == sum(sample["script"] == "Arab" for sample in page_data(results)["tasks"][0]["samples"])
    page.fill("#find", "no such label")
    assert "0 of 0" in page.inner_text("#place")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_accessibility_violation(page, theme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    if theme == "dark":
        page.click("#theme")
    page.click("#play")
    found = axe.Axe().run(page)
    assert [violation["id"] for violation in found.response["violations"]] == []


def test_text_of_the_data_cannot_end_the_script(results, tmp_path):
    from kalamos.benchmark import page as module

    assert "</script" not in module.page(results).split('type="application/json">')[1].split("</script>")[0]
