"""The page in a real browser: it sorts, filters and replays, from file://, without an error or a request."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from kalamos.benchmark import run
from kalamos.benchmark.board import table as leaderboard
from kalamos.benchmark.board.page import _packed, page_data, write_page
from kalamos.benchmark.board.selection import Selection
from kalamos.ink import Ink

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs")
    run.bench("synthetic-3scripts", ("good-continuation", "nearest"), Path(), out, cache=out / "tasks", limit=40)
    return leaderboard.find_results([out])


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
    page.click("th[data-column=start_point] button")
    heads = page.locator("#board thead th").evaluate_all("all => all.map(th => th.dataset.column)")
    place = heads.index("start_point") + 1
    values = [
        float(text.split("\n")[0].lstrip("="))
        for text in page.locator(f"#board tbody tr > :nth-child({place})").all_inner_texts()
    ]
    ranked = values[:2]
    assert ranked == sorted(ranked, reverse=True)
    down = first_entries(page)[:2]
    assert page.get_attribute("th[data-column=start_point]", "aria-sort") == "descending"
    page.click("th[data-column=start_point] button")
    assert page.get_attribute("th[data-column=start_point]", "aria-sort") == "ascending"
    assert first_entries(page)[:2] == down[::-1]


def test_controls_and_all_metrics_can_be_chosen(page):
    assert "reversed" in first_entries(page)
    page.uncheck("#controls")
    assert first_entries(page) == ["good-continuation", "nearest"]
    columns = page.locator("#board thead th").count()
    page.check("input[name=columns][value=all]")
    assert page.locator("#board thead th").count() > columns + 10


def test_a_page_of_chosen_rows_and_columns_has_no_switches_for_the_rest(browser, results, tmp_path):
    file = tmp_path / "chosen.html"
    chosen = Selection(("ldtw", "start_point"), controls=False, intervals=False)
    write_page(results, file, selection=chosen)
    page = browser.new_page()
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(file.as_uri())
    heads = page.locator("#board thead th").evaluate_all("all => all.map(th => th.dataset.column)")
    assert [head for head in heads if head] == ["entry", "ldtw", "start_point", "coverage"]
    assert first_entries(page) == ["good-continuation", "nearest"]  # by the first column, its best first
    assert page.locator("#board small").count() == 0
    assert not page.is_visible("#intervals")
    assert not page.is_visible("#controls")
    assert re.search(r"ldtw [\d.]+", page.inner_text("#panels figure:nth-child(3) figcaption"))
    page.close()
    assert faults == []


def test_entries_with_cards_stand_apart_by_who_ran_them(browser, results, tmp_path):
    ours, theirs = (next(r for r in results if r.entry == name) for name in ("good-continuation", "nearest"))
    said = {"run_by": "Ada <b>L</b>", "trained_on_this_corpus": "yes (train)", "looks": ["twin: the same as x"]}
    third = replace(theirs, kind="submission", submission={**said, "relation": "third_party"})
    first = replace(ours, entry="theirs", kind="submission", submission={**said, "relation": "first_party"})
    attack = replace(theirs, entry="trick", kind="attack")
    file = tmp_path / "cards.html"
    write_page([ours, third, first, attack], file)
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(file.as_uri())
    shown = [text.replace(" †", "") for text in first_entries(page)]
    groups = ["Run here", "good-continuation", "Third party", "nearest", "First party", "theirs", "Attacks", "trick"]
    assert shown == groups
    assert page.locator("#board td.said").all_inner_texts() == [
        "–",
        "–",
        *2 * ["Ada <b>L</b>", "yes (train)"],
        "–",
        "–",
    ]
    assert page.get_attribute("#board abbr >> nth=0", "title") == "twin: the same as x"
    assert page.is_visible("#cards-note")
    page.click('th[data-column="run by"] button')
    assert [text.replace(" †", "") for text in first_entries(page)] == groups  # sorting stays within the sections
    page.uncheck("#controls")
    assert "trick" not in first_entries(page)
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    assert axe.Axe().run(page).response["violations"] == []
    page.close()
    assert faults == []


def test_the_replay_moves_and_stops_and_scrubs(page):
    def picture():
        return page.evaluate("document.querySelectorAll('canvas')[1].toDataURL()")

    before = picture()
    page.wait_for_function("before => document.querySelectorAll('canvas')[1].toDataURL() !== before", arg=before)
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
    worst = float(re.search(r"lcss ([\d.]+)", page.inner_text("#panels figure:nth-child(3) figcaption")).group(1))
    page.select_option("#order", "best")
    best = float(re.search(r"lcss ([\d.]+)", page.inner_text("#panels figure:nth-child(3) figcaption")).group(1))
    assert best > worst
    page.select_option("#script", "Arab")
    shown = int(page.inner_text("#place").split()[-1])
    assert shown == sum(sample["script"] == "Arab" for sample in page_data(results)["tasks"][0]["samples"])
    page.fill("#find", "no such label")
    assert "0 of 0" in page.inner_text("#place")


def test_plots_follow_the_metric_and_the_part(page):
    for part, names in [("junctions", ["0", "1"]), ("length", ["1-2", "2-4"]), ("strokes", ["1", "2"])]:
        page.select_option("#part", part)
        assert set(names) <= set(page.locator("#plot thead th").all_text_contents()[1:])
        assert set(names) <= set(page.locator("#plot svg[role=img]").first.locator("text").all_text_contents())
    assert page.locator("#plot svg[role=img]").count() == 2  # the metric, and the CT rate beside it
    assert page.locator("#plot svg[role=img]").first.locator("path").count() == 2  # a line an entry
    page.select_option("#metric", "complete_trajectory")
    assert page.locator("#plot svg[role=img]").count() == 1
    page.select_option("#part", "script")
    assert page.locator("#plot svg[role=img] circle").count() >= 2 * 4


def test_speed_profiles_of_truth_and_both_entries(page):
    assert page.locator("#speeds path").count() == 3
    assert page.locator("#speeds .keys").inner_text().count("nearest") == 1


def test_disputed_samples_come_first_in_the_metric_that_judges(page):
    def scores():
        texts = page.locator("#panels figure:nth-child(n+3) figcaption").all_inner_texts()
        return [float(re.search(r"rmse_arc ([\d.]+)", text).group(1)) for text in texts]

    page.select_option("#judge", "rmse_arc")
    page.select_option("#order", "disputed")
    a, b = scores()
    page.click("#next")
    c, d = scores()
    assert abs(a - b) >= abs(c - d)


def test_a_packed_ink_comes_back(page):
    timed = Ink.from_strokes([[[0, 0], [10.25, -3.5]], [[400, 63], [1, 2]]], [[0.0, 0.02], [0.5, 9.0]])
    packed = [_packed(timed), _packed(Ink(timed.xy, timed.offsets))]
    found = page.evaluate("(texts) => texts.map(unpack)", packed)
    assert found[0] == [[0, 0, 0, 10.25, -3.5, 20], [400, 63, 500, 1, 2, 9000]]
    assert found[1] == [[0, 0, -1, 10.25, -3.5, -1], [400, 63, -1, 1, 2, -1]]


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_is_wider_than_the_window(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    page.wait_for_timeout(100)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_accessibility_violation(page, theme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    if theme == "dark":
        page.click("#theme")
    page.click("#play")
    found = axe.Axe().run(page)
    assert [violation["id"] for violation in found.response["violations"]] == []


def test_text_of_the_data_cannot_end_the_script(results, tmp_path):
    from kalamos.benchmark.board import page as module

    assert "</script" not in module.page(results).split('type="application/json">')[1].split("</script>")[0]
