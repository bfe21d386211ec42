"""What a person can do to a page: each action, its undoing, and what is refused."""

import json
from xml.etree import ElementTree

import numpy as np
import pytest
from studio_pages import recovered

from kalamos.errors import StoreError
from kalamos.formats.recovered import samples_of
from kalamos.formats.recovered.inkml import write_inkml
from kalamos.formats.recovered.pagexml import NAMESPACE, write_pagexml
from kalamos.formats.recovered.reading import read_page
from kalamos.studio.actions import ActionError, apply
from kalamos.studio.history import History
from kalamos.studio.sheet import corrected_page, ink_of, sheet_of


@pytest.fixture
def sheet():
    return sheet_of(recovered("page.png"))


def strokes(sheet, part=0):
    return [stroke.xy.tolist() for stroke in sheet.parts[part].strokes]


def test_a_page_as_a_sheet_is_the_page_again():
    page = recovered("page.png")
    for part, piece in zip(sheet_of(page).parts, page.recovery.pieces, strict=True):
        again = ink_of(part.strokes)
        assert np.array_equal(again.xy, piece.ink.xy)
        assert np.array_equal(again.offsets, piece.ink.offsets)
        assert np.allclose(again.t, piece.ink.t - piece.ink.t[0])


def test_reverse_twice_is_nothing_and_times_never_run_backwards(sheet):
    action = {"do": "reverse", "part": 0, "strokes": [0]}
    once = apply(sheet, action)
    assert strokes(once)[0] == strokes(sheet)[0][::-1]
    assert (np.diff(ink_of(once.parts[0].strokes).t) >= 0).all()
    assert strokes(apply(once, action)) == strokes(sheet)


def test_move_within_a_piece_and_into_another(sheet):
    a, b, c = strokes(sheet, 1)
    assert strokes(apply(sheet, {"do": "move", "part": 1, "strokes": [0], "to": 3}), 1) == [b, c, a]
    assert strokes(apply(sheet, {"do": "move", "part": 1, "strokes": [2], "to": 0}), 1) == [c, a, b]
    assert strokes(apply(sheet, {"do": "move", "part": 1, "strokes": [0, 2], "to": 2}), 1) == [b, a, c]
    over = apply(sheet, {"do": "move", "part": 1, "strokes": [1], "to_part": 0, "to": 1})
    assert strokes(over, 0)[1] == b
    assert strokes(over, 1) == [a, c]


def test_split_and_merge_undo_each_other(sheet):
    parted = apply(sheet, {"do": "split", "part": 0, "strokes": [0], "point": 20})
    first, second = strokes(parted)[:2]
    assert first[-1] == second[0] == strokes(sheet)[0][20]
    merged = apply(parted, {"do": "merge", "part": 0, "strokes": [0, 1]})
    assert strokes(merged) == strokes(sheet)
    assert np.allclose(merged.parts[0].strokes[0].t, sheet.parts[0].strokes[0].t)


def test_delete_draw_redraw_and_order(sheet):
    gone = apply(sheet, {"do": "delete", "part": 1, "strokes": [0, 2]})
    assert strokes(gone, 1) == [strokes(sheet, 1)[1]]
    drawn = apply(sheet, {"do": "redraw", "part": 0, "strokes": [1], "xy": [[1, 2], [3, 4]], "t": [5, 6]})
    assert strokes(drawn)[1] == [[1, 2], [3, 4]]
    assert drawn.parts[0].strokes[1].t.tolist() == [0, 1]
    added = apply(sheet, {"do": "draw", "part": 0, "at": 0, "xy": [[9, 9]]})
    assert strokes(added)[0] == [[9, 9]]
    ordered = apply(sheet, {"do": "order", "part": 2, "to": 0})
    assert strokes(ordered, 0) == strokes(sheet, 2)
    assert [part.line for part in ordered.parts] == [0, 0, 0]


@pytest.mark.parametrize(
    "action",
    [
        {"do": "format-disk"},
        {},
        {"do": ["reverse"]},
        {"do": "reverse", "part": 9, "strokes": [0]},
        {"do": "reverse", "part": -1, "strokes": [0]},
        {"do": "reverse", "part": True, "strokes": [0]},
        {"do": "reverse", "part": 0, "strokes": []},
        {"do": "reverse", "part": 0, "strokes": [2]},
        {"do": "reverse", "part": 0, "strokes": "01"},
        {"do": "merge", "part": 0, "strokes": [0]},
        {"do": "split", "part": 0, "strokes": [0], "point": 0},
        {"do": "split", "part": 0, "strokes": [0], "point": 10**9},
        {"do": "draw", "part": 0, "xy": [[1]]},
        {"do": "draw", "part": 0, "xy": []},
        {"do": "draw", "part": 0, "xy": [[1, float("nan")]]},
        {"do": "draw", "part": 0, "xy": [[1, 1e30]]},
        {"do": "draw", "part": 0, "xy": [[1, 2], [3, 4]], "t": [1, 0]},
        {"do": "choose", "part": 0, "path": 1},
        {"do": "move", "part": 0, "strokes": [0], "to": 7},
        {"do": "order", "part": 0, "to": 4},
    ],
)
def test_what_cannot_be_done_is_refused(sheet, action):
    with pytest.raises(ActionError):
        apply(sheet, action)


def test_the_log_brings_everything_back_and_undo_goes_to_the_start(sheet, tmp_path):
    path = tmp_path / "actions.log"
    history = History(sheet, path, "base")
    for action in [
        {"do": "reverse", "part": 0, "strokes": [0]},
        {"do": "delete", "part": 1, "strokes": [1]},
        {"do": "undo"},
        {"do": "split", "part": 2, "strokes": [0], "point": 5},
    ]:
        history.do(action)
    again = History(sheet, path, "base")
    assert [strokes(again.sheet, k) for k in range(3)] == [strokes(history.sheet, k) for k in range(3)]
    assert again.version == 4
    while again.can_undo:
        again.do({"do": "undo"})
    assert [strokes(again.sheet, k) for k in range(3)] == [strokes(sheet, k) for k in range(3)]
    with pytest.raises(ActionError):
        again.do({"do": "undo"})
    again.do({"do": "redo"})
    assert strokes(again.sheet, 0) != strokes(sheet, 0)


def test_a_line_cut_short_by_a_kill_is_dropped_and_the_next_one_is_whole(sheet, tmp_path):
    path = tmp_path / "actions.log"
    action = {"do": "reverse", "part": 0, "strokes": [0]}
    History(sheet, path, "base").do(action)
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        again = History(sheet, path, "base")
        again.do(action)
        assert History(sheet, path, "base").version == again.version
    path.write_bytes(whole + b'{"do":"rev')
    again = History(sheet, path, "base")
    assert again.version == 1
    again.do({"do": "undo"})
    assert [json.loads(line)["do"] for line in path.read_bytes().splitlines()[1:]] == ["reverse", "undo"]


def test_a_log_of_another_recovery_is_not_applied(sheet, tmp_path):
    path = tmp_path / "actions.log"
    History(sheet, path, "one").do({"do": "reverse", "part": 0, "strokes": [0]})
    with pytest.raises(StoreError, match="another recovery"):
        History(sheet, path, "two")


def test_a_full_disk_refuses_the_action_and_keeps_the_page(sheet, tmp_path, monkeypatch):
    history = History(sheet, tmp_path / "actions.log", "base")
    history.do({"do": "reverse", "part": 0, "strokes": [0]})

    def full(_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(StoreError, match="No space"):
            history.do({"do": "delete", "part": 0, "strokes": [0]})
    assert history.version == 1
    assert History(sheet, tmp_path / "actions.log", "base").version == 1  # nor does it come back by itself
    history.do({"do": "delete", "part": 0, "strokes": [1]})
    assert [s.sheet.parts[0].strokes.__len__() for s in [History(sheet, tmp_path / "actions.log", "base")]] == [1]


def test_a_first_action_that_found_the_disk_full_can_be_done_again(sheet, tmp_path, monkeypatch):
    history = History(sheet, tmp_path / "actions.log", "base")

    def full(_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(StoreError, match="No space"):
            history.do({"do": "delete", "part": 0, "strokes": [0]})
    history.do({"do": "delete", "part": 0, "strokes": [1]})
    assert History(sheet, tmp_path / "actions.log", "base").version == 1


def test_two_studios_on_one_log_lose_nothing_silently(sheet, tmp_path):
    mine, theirs = (History(sheet, tmp_path / "actions.log", "base") for _ in range(2))  # on two machines, say
    mine.do({"do": "reverse", "part": 0, "strokes": [0]})
    with pytest.raises(StoreError, match="another studio"):
        theirs.do({"do": "delete", "part": 0, "strokes": [0]})
    mine.do({"do": "reverse", "part": 0, "strokes": [1]})
    assert History(sheet, tmp_path / "actions.log", "base").version == 2


def test_a_corrected_page_comes_back_from_inkml(sheet, tmp_path):
    page = recovered("page.png")
    done = apply(sheet, {"do": "draw", "part": 0, "xy": [[400, 10], [420, 12]]})
    corrected = corrected_page(done, page, {"writer": "w", "licence": "CC0", "picture": "00"}, "Latn")
    write_inkml(corrected, tmp_path / "page.corrected.inkml")
    again = read_page(tmp_path / "page.corrected.inkml")
    assert again.provenance == "corrected"
    assert again.about == {"writer": "w", "licence": "CC0", "picture": "00"}
    assert again.script == "Latn"
    assert again.recovery.pieces[0].confidence is None
    assert again.recovery.pieces[0].box[2] == 420
    assert [len(line.pieces) for line in again.recovery.lines] == [2, 1]
    assert np.array_equal(again.recovery.ink.xy, corrected.recovery.ink.xy)
    assert again.recovery.ink.t is None  # the drawn stroke has no times: then the page has none


def test_what_is_written_is_said_and_read_back(sheet, tmp_path):
    page = recovered("page.png")
    said = apply(sheet, {"do": "label", "part": 1, "text": "  \u0645\u06cc\u200c\u0631\u0648\u0645 <&  "})
    assert [part.label for part in said.parts] == ["", "\u0645\u06cc\u200c\u0631\u0648\u0645 <&", ""]
    written = corrected_page(apply(said, {"do": "reverse", "part": 1, "strokes": [0]}), page, {})
    write_inkml(written, tmp_path / "page.inkml")
    back = read_page(tmp_path / "page.inkml")
    assert [piece.label for piece in back.recovery.pieces] == [part.label for part in said.parts]
    assert [sample.label for sample in samples_of(back)] == [part.label for part in said.parts]
    write_pagexml(written, tmp_path / "page.xml")
    assert ElementTree.parse(tmp_path / "page.xml").findtext(f".//{{{NAMESPACE}}}Unicode") == said.parts[1].label


@pytest.mark.parametrize("text", ["a\nb", "\ud800", "\x00", "\ufffe", "\u2028", "x" * 501, None, 7, ["a"]])
def test_no_text_that_a_file_cannot_hold(sheet, text):
    with pytest.raises(ActionError, match="text"):
        apply(sheet, {"do": "label", "part": 0, "text": text})
