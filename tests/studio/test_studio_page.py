"""The studio in a real browser: every action by mouse and by key, on a server that is started as users start it."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest
from chromium import BROWSER, FLAGS
from PIL import Image, ImageDraw
from studio_pages import make_page, picture

from kalamos.formats.recovered.reading import read_page

pytest.importorskip("uvicorn")
pytestmark = pytest.mark.browser


class Server:
    """A studio on a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.start()

    def start(self):
        command = [sys.executable, "-m", "kalamos", "studio", str(self.folder), "--no-open"]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        for line in self.process.stdout:
            if "http://127.0.0.1" in line:
                self.address = line.strip()
                return
        raise AssertionError("the studio did not start")

    def stop(self, how=signal.SIGINT):
        self.process.send_signal(how)
        self.process.wait(20)
        self.process.stdout.close()


@pytest.fixture
def server(tmp_path):
    make_page(tmp_path)
    (tmp_path / "kalamos-corpus.json").write_text(json.dumps({"writer": "Ada", "script": "Latn", "licence": "CC0"}))
    made = Server(tmp_path)
    yield made
    if made.process.poll() is None:
        made.stop()


def window(browser, server, allowed=(), **how):
    """Open a window that notes every fault, and every request that leaves this machine."""
    page = browser.new_page(**{"viewport": {"width": 1280, "height": 860}, **how})
    page.faults = []
    page.on("console", lambda message: page.faults.append(message.text) if message.type in ("error", "warning") else 0)
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("request", lambda request: None if "127.0.0.1" in request.url else page.faults.append(request.url))
    page.goto(server.address)
    page.wait_for_selector("#cards button")
    return page


def opened(page, name="page.png"):
    """Open a picture of the drawer; wait for its ink."""
    page.click(f'#cards button[data-key="{name}#1"]')
    page.wait_for_selector("#s0", timeout=20_000)
    settled(page)
    return page


@pytest.fixture
def page(browser, server):
    page = opened(window(browser, server))
    yield page
    page.close()
    assert page.faults == []


def settled(page):
    page.evaluate("studio.editor.busy")
    page.wait_for_timeout(60)


def strokes(page):
    """Return the strokes of each piece, as lists of numbers."""
    settled(page)
    return page.evaluate("studio.editor.page.parts.map((part) => part.strokes.map((stroke) => stroke.xy))")


def screen(page, x, y):
    """Return where a place of the picture is in the window."""
    return page.evaluate(
        """([x, y]) => { const { stage } = studio.editor, box = stage.box.getBoundingClientRect();
        return [box.left + (x - stage.x) * stage.zoom, box.top + (y - stage.y) * stage.zoom]; }""",
        [x, y],
    )


def click(page, x, y):
    page.mouse.click(*screen(page, x, y))


def keys(page, *names):
    for name in names:
        page.keyboard.press(name)
    settled(page)


def backwards(xy):
    return [value for k in range(len(xy) - 2, -1, -2) for value in xy[k : k + 2]]


def test_choose_and_reverse_by_mouse_and_by_key(page):
    before = strokes(page)
    click(page, 290, 100)
    assert page.get_attribute("#s3", "aria-selected") == "true"
    page.click("[data-do=reverse]")
    after = strokes(page)
    assert after[1][1] == backwards(before[1][1])
    keys(page, "r")
    assert strokes(page) == before
    page.focus("#list")
    keys(page, "ArrowDown")
    assert page.get_attribute("#s4", "aria-selected") == "true"
    keys(page, "r", "Control+z")
    assert strokes(page) == before
    keys(page, "Control+y")
    assert strokes(page)[1][2] == backwards(before[1][2])


def test_reorder_by_drag_and_by_keys(page):
    a, b, c = strokes(page)[1]
    page.drag_and_drop("#s2", "#s4")
    assert strokes(page)[1] == [b, c, a]
    keys(page, "[", "[")
    assert strokes(page)[1] == [a, b, c]
    keys(page, "]")
    assert strokes(page)[1] == [b, a, c]
    page.drag_and_drop("#s2", "#s0")
    assert strokes(page)[0][0] == b
    page.click("[data-do=later]")
    assert strokes(page)[0][1] == b


def test_merge_split_delete_by_mouse(page):
    before = strokes(page)
    click(page, 260, 120)
    page.keyboard.down("Shift")
    click(page, 290, 100)
    page.keyboard.up("Shift")
    page.click("[data-do=merge]")
    assert len(strokes(page)[1]) == 2
    page.mouse.dblclick(*screen(page, 260, 100))
    assert len(strokes(page)[1]) == 3
    click(page, 320, 80)
    page.click("[data-do=split]")
    click(page, 320, 100)
    parted = strokes(page)[1]
    assert len(parted) == 4
    assert abs(parted[3][1] - 100) < 5
    page.click("[data-do=delete]")
    assert len(strokes(page)[1]) == 3
    while page.is_enabled("#undo"):
        page.click("#undo")
        settled(page)
    assert strokes(page) == before


def test_merge_split_delete_by_key(page):
    before = strokes(page)
    page.focus("#list")
    keys(page, "n", "n", "Shift+ArrowDown", "m")
    merged = strokes(page)
    assert [len(part) for part in merged] == [2, 2, 2]
    keys(page, "x", "ArrowRight", "ArrowRight", "Enter")
    assert [len(part) for part in strokes(page)] == [2, 3, 2]
    keys(page, "Delete")
    assert [len(part) for part in strokes(page)] == [2, 2, 2]
    keys(page, *["Control+z"] * 5)
    assert strokes(page) == before


def test_redraw_and_add_a_stroke_by_mouse_and_by_key(page):
    click(page, 115, 30)
    page.click("[data-do=redraw]")
    page.mouse.move(*screen(page, 90, 20))
    page.mouse.down()
    for x in range(95, 141, 5):
        page.mouse.move(*screen(page, x, 20))
    page.mouse.up()
    drawn = strokes(page)[0][1]
    assert abs(drawn[0] - 90) < 2
    assert abs(drawn[-2] - 140) < 2
    assert "by hand" in page.inner_text("#s1")
    page.focus("#list")
    keys(page, "d", " ", "Shift+ArrowRight", " ", "ArrowDown", " ", "Enter")
    assert len(strokes(page)[0]) == 3
    added = strokes(page)[0][2]
    assert len(added) == 6
    assert added[2] > added[0]
    keys(page, "w", " ", "ArrowUp", "Escape")
    assert strokes(page)[0][2] == added


def test_reading_order_by_mouse_and_by_key(page):
    before = strokes(page)
    click(page, 40, 222)
    page.click("[data-do=piece-earlier]")
    assert strokes(page) == [before[0], before[2], before[1]]
    keys(page, "}")
    assert strokes(page) == before
    keys(page, "{", "{")
    assert strokes(page) == [before[2], before[0], before[1]]


def test_undo_to_the_start_reload_and_a_killed_browser(page, server):
    before = strokes(page)
    page.focus("#list")
    keys(page, "ArrowDown", "r", "Delete", "n", "x", "Enter")
    after = strokes(page)
    assert after != before
    page.reload()
    page.wait_for_selector("#s0")
    assert strokes(page) == after
    another = page.context.browser.browser_type.launch(executable_path=BROWSER, args=[*FLAGS, "--user-agent=doomed"])
    doomed = opened(window(another, server))
    doomed.focus("#list")
    keys(doomed, "ArrowDown", "r")
    after = strokes(doomed)
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):  # zombies, where nobody collects the dead
            if any("doomed" in word for word in process.cmdline()):
                process.kill()
    page.reload()
    page.wait_for_selector("#s0")
    assert strokes(page) == after
    page.focus("#list")
    for _ in range(9):
        keys(page, "Control+z")
    assert strokes(page) == before
    for _ in range(9):
        keys(page, "Control+Shift+z")
    assert strokes(page) == after


def test_saved_beside_and_never_over_the_answer(page, server):
    answer = (server.folder / "page.inkml").read_bytes()
    page.focus("#list")
    keys(page, "ArrowDown", "r", "Control+s")
    page.wait_for_selector("#message:has-text('page.corrected.inkml')")
    assert (server.folder / "page.inkml").read_bytes() == answer
    saved = read_page(server.folder / "page.corrected.inkml")
    assert saved.provenance == "corrected"
    first = saved.recovery.pieces[0].ink.xy[0].tolist()
    assert first == pytest.approx([160, 60], abs=0.1)
    keys(page, "Escape")
    page.wait_for_selector("#cards >> text=saved as right")


def test_a_killed_server_loses_nothing(browser, server):
    page = opened(window(browser, server))
    page.focus("#list")
    keys(page, "ArrowDown", "r", "n", "Delete")
    after = strokes(page)
    server.stop(signal.SIGKILL)
    keys(page, "r")
    page.wait_for_selector("#message:has-text('start it again')")
    page.close()
    server.start()
    page = opened(window(browser, server))
    assert strokes(page) == after
    page.close()


def test_two_windows_on_one_picture(browser, server):
    first, second = opened(window(browser, server)), opened(window(browser, server))
    first.focus("#list")
    keys(first, "ArrowDown", "r")
    done = strokes(first)
    second.focus("#list")
    keys(second, "ArrowDown", "Delete")
    second.wait_for_selector("#message:has-text('another window')")
    assert strokes(second) == done
    keys(second, "ArrowDown", "Delete")
    assert len(strokes(second)[0]) == 1
    assert all("409" in fault for fault in second.faults)
    first.close()
    second.close()


def test_the_replay_runs_and_the_view_moves(page):
    shot = "document.getElementById('canvas').toDataURL()"
    whole = page.evaluate(shot)
    page.focus("#list")
    page.keyboard.press(" ")
    page.wait_for_timeout(300)
    assert page.inner_text("#play") == "Stop"
    assert page.evaluate(shot) != whole
    page.click("#play")
    page.evaluate("document.getElementById('scrub').value = 1000")
    page.dispatch_event("#scrub", "input")
    page.wait_for_timeout(80)
    assert page.evaluate(shot) == whole
    for change in ("time", "sure"):
        page.select_option("#colour", change)
        page.wait_for_timeout(60)
        assert page.evaluate(shot) != whole
    zoom = page.evaluate("studio.editor.stage.zoom")
    page.keyboard.press("Escape")
    page.evaluate("location.hash = 'page.png%231'")
    page.wait_for_selector("#s0")
    page.focus("#stage")
    page.keyboard.press("+")
    page.keyboard.press("Shift+ArrowRight")
    assert page.evaluate("studio.editor.stage.zoom") > zoom
    page.keyboard.press("0")
    assert page.evaluate("studio.editor.stage.zoom") == pytest.approx(zoom)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_no_accessibility_violation_and_nothing_wider_than_the_window(browser, server, scheme, width):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = window(browser, server, color_scheme=scheme, viewport={"width": width, "height": 860})
    found = []

    def look():
        result = axe.Axe().run(page)
        found.extend((v["id"], v["nodes"][0]["html"][:200]) for v in result.response["violations"])
        assert page.evaluate("document.documentElement.scrollWidth") <= width

    look()
    opened(page)
    page.focus("#list")
    keys(page, "ArrowDown", "r")
    look()
    page.keyboard.press("?")
    look()
    if width > 1000:  # the help fits one screen
        assert page.evaluate(
            "document.getElementById('help').scrollHeight <= document.getElementById('help').clientHeight"
        )
    page.keyboard.press("Escape")
    page.click("#show-facts")
    look()
    assert found == []
    page.close()
    assert page.faults == []


@pytest.mark.long
def test_two_thousand_pictures(browser, tmp_path):
    first = make_page(tmp_path, "p0000")
    ink = (tmp_path / "p0000.inkml").read_bytes()
    for k in range(1, 2000):
        os.link(first, tmp_path / f"p{k:04d}.png")
        (tmp_path / f"p{k:04d}.inkml").write_bytes(ink)
    server = Server(tmp_path)
    began = time.perf_counter()
    page = window(browser, server)
    assert time.perf_counter() - began < 20
    assert "of 2000 pages" in page.inner_text("#count")
    began = time.perf_counter()
    page.fill("#find", "p1234")
    assert page.inner_text("#count") == "1 of 2000 pages"
    assert time.perf_counter() - began < 3
    opened(page, "p1234.png")
    page.close()
    assert page.faults == []
    server.stop()


def test_a_page_of_a_hundred_megapixels(browser, tmp_path):
    make_page(tmp_path, "large", scale=27.5)  # 11000 x 9350
    server = Server(tmp_path)
    page = opened(window(browser, server), "large.png")
    shown = "[...studio.editor.stage.tiles.values()].some((tile) => tile.complete && tile.naturalWidth)"
    while not page.evaluate(shown):
        page.wait_for_timeout(100)
    assert page.evaluate("studio.editor.page.width * studio.editor.page.height") > 1e8
    for _ in range(8):
        page.keyboard.press("+")
    page.wait_for_timeout(500)
    assert page.evaluate("studio.editor.stage.tiles.size") < 221
    assert page.evaluate(
        "[...studio.editor.stage.tiles.keys()].some((key) => key.startsWith('0'))"
    )  # every pixel is there
    assert page.evaluate("studio.editor.page.scale") == 1
    click(
        page,
        *page.evaluate(
            "(({ x, y, zoom, box }) => [x + box.clientWidth / 2 / zoom, y + 30 / zoom])(studio.editor.stage)"
        ),
    )
    keys(page, "n", "r")
    assert page.evaluate("studio.editor.page.version") == 1
    page.close()
    assert page.faults == []
    server.stop()


def test_a_page_that_a_tracer_had_to_draw_is_among_the_worst(browser, tmp_path):
    turn = np.linspace(0, 60 * np.pi, 8000)
    rounds = 500 + (turn / turn[-1] * 480)[:, None] * np.column_stack([np.cos(turn), np.sin(turn)])
    corner = [(20, 20), (150, 120), (280, 20)]
    for name, points, size in (("a.png", corner, (300, 150)), ("b.png", rounds, (1000, 1000))):
        sheet = Image.new("L", size, 255)
        ImageDraw.Draw(sheet).line([(float(x), float(y)) for x, y in points], fill=0, width=4)
        sheet.save(tmp_path / name)
    made = Server(tmp_path)
    try:
        page = window(browser, made)
        page.wait_for_function("document.querySelectorAll('#cards .note:not(:empty)').length == 2")
        page.wait_for_selector("#cards >> text=not to be trusted", timeout=60_000)
        page.wait_for_selector("#cards >> text=/confidence [6-9]/", timeout=60_000)
        assert page.locator("#cards button").first.get_attribute("data-key") == "b.png#1"
        assert not page.faults
    finally:
        made.stop()


def test_a_picture_without_ink_is_recovered_in_the_background_and_its_paths_can_be_chosen(browser, tmp_path):
    picture().save(tmp_path / "new.png")
    server = Server(tmp_path)
    page = window(browser, server)
    page.click("#cards button")
    page.wait_for_selector("#s0", timeout=90_000)
    before = (tmp_path / "new.inkml").read_bytes()
    page.focus("#list")
    keys(page, "n")
    while page.is_disabled("[data-do=path]"):
        keys(page, "n")
    first = strokes(page)
    page.click("[data-do=path]")
    assert strokes(page) != first
    keys(page, "Control+z")
    assert strokes(page) == first
    while page.is_disabled("[data-do=path]"):
        keys(page, "n")
    keys(page, "a")
    assert strokes(page) != first
    assert (tmp_path / "new.inkml").read_bytes() == before
    workers = psutil.Process(server.process.pid).children(recursive=True)
    page.close()
    server.stop(signal.SIGKILL)
    assert workers
    assert psutil.wait_procs(workers, timeout=10)[1] == []  # nothing is left behind
    assert page.faults == []


def test_a_page_with_errors_is_put_right_in_under_a_minute(browser, server, page):
    began = time.perf_counter()
    page.focus("#list")
    keys(page, "ArrowDown", "r", "ArrowDown", "[", "n", "]", "n", "x", "Enter", "Shift+ArrowUp", "m", "Control+s")
    page.wait_for_selector("#message:has-text('corrected.inkml')")
    assert time.perf_counter() - began < 60
    assert re.search(r"Saved as right", page.inner_text("#status"))


def labels(page):
    settled(page)
    return page.evaluate("studio.editor.page.parts.map((part) => part.label)")


def test_what_is_written_is_typed_by_mouse_and_by_key(server, page):
    click(page, 290, 100)
    page.click("#label")
    page.fill("#label", "H")
    page.click("#list .stroke")  # another piece is chosen: what was typed belongs to the one before
    assert labels(page) == ["", "H", ""]
    assert page.input_value("#label") == ""
    keys(page, "t")
    page.keyboard.type("r n")  # letters that are keys elsewhere
    keys(page, "Enter")
    assert page.evaluate("document.activeElement.id") == "label"
    page.keyboard.type("E")
    keys(page, "Enter")
    assert labels(page) == ["r n", "E", ""]
    keys(page, "Escape", "Control+z")
    assert labels(page) == ["r n", "H", ""]
    keys(page, "Control+s")
    page.wait_for_selector("#message:has-text('corrected.inkml')")
    assert [piece.label for piece in read_page(server.folder / "page.corrected.inkml").recovery.pieces] == [
        "r n",
        "H",
        "",
    ]


def test_a_page_that_does_not_open_shows_nothing_of_the_last_one(browser, server):
    (server.folder / "broken.png").write_bytes(b"no picture")
    page = opened(window(browser, server))
    keys(page, "n", "n")
    page.route("**/api/page?*", lambda route: None)  # an answer that never comes
    page.evaluate("location.hash = encodeURIComponent('other.png#1')")
    page.locator("#status", has_text="Opening").wait_for()
    assert page.locator("#list .stroke").count() == 0
    keys(page, "r", "Delete", "Control+z", "d", "[", "Control+s", "n", "ArrowDown")  # a hurried hand
    assert page.evaluate("studio.editor.page.parts") == []
    page.unroute("**/api/page?*")
    page.evaluate("location.hash = encodeURIComponent('broken.png#1')")
    page.locator("#status", has_text="No ink").wait_for()
    assert page.locator("#list .stroke").count() == 0
    assert page.locator("#save").is_disabled()
    assert not [fault for fault in page.faults if "status of 40" not in fault]
    page.evaluate("location.hash = encodeURIComponent('page.png#1')")
    page.wait_for_selector("#s0")
    assert len(strokes(page)[0]) == 2
    page.close()


def test_what_is_typed_fast_goes_to_the_piece_that_it_was_typed_for(page):
    page.route("**/api/act", lambda route: (time.sleep(0.4), route.continue_()))  # a slow disk
    keys(page, "n", "t")
    for text in ("سلام دنیا", "</script><b>", "three"):
        page.keyboard.insert_text(text)
        page.keyboard.press("Enter")
    settled(page)
    assert labels(page) == ["سلام دنیا", "</script><b>", "three"]


def test_an_address_of_nothing_shows_the_pictures_or_says_so(page):
    page.evaluate("location.hash = '%E0%A4%A'")
    page.wait_for_selector("#cards button")
    assert page.faults == []
    page.evaluate("location.hash = 'nothing%231'")
    page.locator("#message", has_text="no such picture").wait_for()
    page.faults.clear()  # the 404 itself


def test_a_picture_that_is_replaced_under_the_hand_is_shown_anew(browser, tmp_path):
    make_page(tmp_path)
    made = Server(tmp_path)
    page = opened(window(browser, made))
    keys(page, "ArrowDown", "r")
    picture(0.5).transpose(1).save(tmp_path / "page.png")
    keys(page, "r")
    page.locator("#message", has_text="has changed on the disk").wait_for()
    page.locator("#status", has_text="recovered").wait_for()
    assert page.evaluate("[studio.editor.page.width, studio.editor.stage.page.parts.length]") == [200, 0]
    page.wait_for_selector("#s0", timeout=60_000)
    page.close()
    made.stop()
