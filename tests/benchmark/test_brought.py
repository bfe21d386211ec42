"""Predictions of systems that cannot be installed: made answers in their forms come back as what they are."""

from __future__ import annotations

import datetime
import json
import random
import tomllib
from pathlib import Path

import numpy as np
import pytest
from commands import kalamos
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from kalamos.benchmark.board.table import to_markdown
from kalamos.benchmark.brought.bring import RECIPES, answer_of, bring
from kalamos.benchmark.brought.images import Frame, ImageSet, name_of, read_images
from kalamos.benchmark.brought.inksight import SIDE, strokes_of_tokens
from kalamos.benchmark.brought.prompt import PROMPT, prompt_for
from kalamos.benchmark.brought.trace import strokes_of_array
from kalamos.benchmark.brought.vision_language import strokes_in
from kalamos.benchmark.predictions import read_predictions
from kalamos.benchmark.prepare import prepare
from kalamos.benchmark.run import score_predictions
from kalamos.benchmark.submission.card import card_findings, read_card
from kalamos.benchmark.task import load_task
from kalamos.errors import FormatError, StoreError, TaskError
from kalamos.storage.parquet import read_rows

TASK, SAMPLES = "synthetic-3scripts", 6
FRAME = Frame("k", 64, 48)
WIDE = Frame("w", 300, 60)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def truths(cache):
    """The task's images with their truth, by key: what a perfect system would answer."""
    return {row.sample.key: row for row in read_rows(prepare(load_task(TASK), None, cache, limit=SAMPLES))}


@pytest.fixture(scope="module")
def given_away(cache, truths, tmp_path_factory):
    folder = tmp_path_factory.mktemp("given")
    kalamos("task-images", TASK, folder, "--cache", cache, "--limit", SAMPLES, "--scale", 3)
    return folder


def strokes_of(row):
    ink = row.truth()
    return np.split(ink.xy.astype(float), ink.offsets[1:-1])


def lines(path, answers):
    path.write_text("".join(json.dumps({"image": f"{name_of(k)}.png", "output": text}) + "\n" for k, text in answers))
    return path


def as_json(row, scale):
    return json.dumps({"strokes": [(np.clip(stroke, 0, 64) * scale).tolist() for stroke in strokes_of(row)]})


def as_tokens(row):
    height, width = row.image.pixels.shape
    ratio = min(SIDE / width, SIDE / height)
    margins = [(SIDE - round(size * ratio)) // 2 for size in (width, height)]
    text = "word"
    for stroke in strokes_of(row):
        points = np.clip(np.round(stroke * ratio + margins), 0, SIDE).astype(int)
        text += "<ink_token_450>" + "".join(f"<ink_token_{x}><ink_token_{y + 225}>" for x, y in points)
    return text


def as_inkml(row):
    height, width = row.image.pixels.shape
    ratio = min(SIDE / width, SIDE / height)
    margins = [(SIDE - round(size * ratio)) // 2 for size in (width, height)]
    traces = "".join(
        "<trace>" + ", ".join(f"{x:.3f} {y:.3f}" for x, y in stroke * ratio + margins) + "</trace>"
        for stroke in strokes_of(row)
    )
    said = '<annotation type="application">InkSight</annotation><annotation type="inferenceMode">Vanilla</annotation>'
    return f'<ink xmlns="http://www.w3.org/2003/InkML">{said}{traces}</ink>'


def as_rows(row):
    height = row.image.pixels.shape[0]
    return np.concatenate(
        [
            np.column_stack([s[:, 0] / height, 1 - s[:, 1] / height, np.eye(1, len(s))[0], np.zeros(len(s))])
            for s in strokes_of(row)
        ]
    )


def write_inksight(folder, truths):
    home = folder / "small-p_iam_inkml" / "vanilla"
    home.mkdir(parents=True)
    for key, row in truths.items():
        (home / f"{name_of(key)}.inkml").write_text(as_inkml(row))
    return home


def write_trace(folder, truths):
    items = [
        {"stroke": as_rows(row), "text": "x", "id": name_of(key), "distance": np.float64(0.1), "pts": 3}
        for key, row in truths.items()
    ]
    np.save(folder / "all_data.npy", np.array(items, dtype=object), allow_pickle=True)
    return folder / "all_data.npy"


WRITTEN = {
    "inksight": write_inksight,
    "trace": write_trace,
    "vision-language": lambda folder, truths: lines(
        folder / "answers.jsonl", [(key, as_json(row, 3)) for key, row in truths.items()]
    ),
}


@pytest.mark.parametrize("kind", WRITTEN)
def test_perfect_answers_come_back_and_are_scored_as_such(kind, truths, given_away, tmp_path, cache):
    source = WRITTEN[kind](tmp_path, truths)
    brought, paths = bring(kind, source, given_away, tmp_path / "out" / "p.parquet", by="A. Reader", name="theirs")
    assert (brought.answered, brought.failed, brought.unanswered, brought.put_aside) == (SAMPLES, {}, 0, {})
    for key, answer in read_predictions(paths[0], truths).answers.items():
        truth = truths[key].truth()
        assert answer.ink.n_strokes == truth.n_strokes
        assert np.abs(answer.ink.xy - truth.xy).max() < 1e-2
    result = score_predictions(paths[0], TASK, None, tmp_path / "runs", cache=cache, limit=SAMPLES)
    assert result.entry == "theirs"
    assert result.metrics["lcss"].value > 0.99
    assert result.provenance["predicted"]["brought_by"] == "A. Reader"
    assert result.provenance["predicted"]["recipe"] == kind
    assert "A. Reader (brought)" in to_markdown([result])


def test_tokens_come_back_within_half_a_cell(truths, given_away, tmp_path):
    source = lines(tmp_path / "answers.jsonl", [(key, as_tokens(row)) for key, row in truths.items()])
    _, paths = bring("inksight", source, given_away, tmp_path / "p.parquet", by="me", name="theirs")
    for key, answer in read_predictions(paths[0], truths).answers.items():
        assert np.abs(answer.ink.xy - np.clip(truths[key].truth().xy, 0, 64)).max() <= 0.51 * 64 / SIDE


def test_images_say_nothing_and_are_what_the_task_shows(truths, given_away, cache):
    images = read_images(given_away)
    assert (images.task, images.scale, len(images.frames)) == (TASK, 3, SAMPLES)
    asked = [json.loads(line) for line in (given_away / "requests.jsonl").read_text().splitlines()]
    assert [told["image"] for told in asked] == sorted(told["image"] for told in asked)
    for told in asked:
        row = truths[images.frames[told["image"].removesuffix(".png")].key]
        shown = np.array(Image.open(given_away / "images" / told["image"]))
        assert shown.shape == (told["height"], told["width"])
        assert (shown[::3, ::3] == row.image.pixels).all()
        assert f"from 0 to {told['width']}, y goes down" in told["prompt"]
        assert told["sampling"]["temperature"] == 0
    for key in truths:
        text = (given_away / "requests.jsonl").read_text()
        assert key not in text
    again = kalamos("task-images", TASK, given_away, "--cache", cache, "--limit", SAMPLES, code=1)
    assert "there already" in again


def test_the_prompt_tells_the_script_only_where_the_task_does():
    assert "Devanagari" in prompt_for(10, 20, "Deva")
    assert "in the script" not in prompt_for(10, 20, None)
    assert '{"strokes"' in PROMPT.format(width=1, height=2, script="")


WRONG = {
    "": "no answer",
    " \n": "no answer",
    "I cannot see any handwriting.": "words in place of JSON",
    'Here it is: {"strokes": [[[1, 2]]]}': "no JSON",
    '{"strokes": [[[1, 2]]]} done': "no JSON",
    "[[[1, 2]]]": "JSON that is no object",
    '{"strokes": []}': "no strokes",
    '{"strokes": {}}': "no strokes",
    '{"strokes": [[]]}': "a stroke without points",
    '{"strokes": [[[1, 2], []]]}': "a point that is not two numbers",
    '{"strokes": [[[1, 2, 3]]]}': "a point that is not two numbers",
    '{"strokes": [[["1", 2]]]}': "a point that is not two numbers",
    '{"strokes": [[[true, 2]]]}': "a point that is not two numbers",
    '{"strokes": [[[NaN, 2]]]}': "no JSON",
    '{"strokes": [[[1e999, 2]]]}': "a point that is not two numbers",
    '{"strokes": [[[65, 2]]]}': "points outside the image",
    '{"strokes": [[[-0.1, 2]]]}': "points outside the image",
    '{"strokes": [[[1, 2]]], "note": ""}': "the object has other keys than strokes",
    '{"strokes": [[[1, 2]]], "strokes": [[[3, 4]]]}': "no JSON",
    '```json\n{"strokes": [[[1, 2]]]}\n```\nor\n```json\n{"strokes": [[[3, 4]]]}\n```': "several blocks of code",
    '{"strokes": [[[1, 2]': "no JSON",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_not_what_was_asked_for_is_no_answer(text):
    assert strokes_in(text, FRAME) == WRONG[text]


@pytest.mark.parametrize(
    "text",
    ['{"strokes": [[[1, 2.5]]]}', '\n {"strokes":[[[1,2.5]]]}\n', 'So:\n```json\n{"strokes": [[[1, 2.5]]]}\n```'],
)
def test_the_object_alone_or_in_one_block_is_an_answer(text):
    (stroke,) = strokes_in(text, FRAME)
    assert stroke.tolist() == [[1, 2.5]]


def test_coordinates_are_those_of_the_image_that_was_seen():
    (stroke,) = strokes_in('{"strokes": [[[192, 144]]]}', FRAME, 3)
    assert stroke.tolist() == [[64, 48]]


ALPHABET = '{}[]",:0123456789.-eE strokes`\njson\\u00fftruenull'
TOKENS = st.lists(st.integers(0, 500).map(lambda n: f"<ink_token_{n}>"), max_size=40).map("".join)


def sound(found, frame):
    """Check that what a parser gives is a reason, or strokes that scoring can take or refuses by name."""
    if isinstance(found, str):
        assert found
        assert len(found) < 80
        return
    answer = answer_of(found, frame.width, frame.height)
    assert answer.status in ("ok", "failed")
    assert (answer.ink is not None) == (answer.status == "ok")


@given(st.one_of(st.text(max_size=300), st.text(ALPHABET, max_size=300)), st.sampled_from([1, 7]))
@settings(max_examples=400, deadline=None)
def test_no_text_of_a_model_breaks_the_parser(text, scale):
    sound(strokes_in(text, FRAME, scale), FRAME)


def test_no_cut_or_changed_answer_breaks_the_parser():
    """A right answer, cut, with characters changed, doubled or left out: twenty thousand times."""
    right = '```json\n{"strokes": [[[1, 2], [3.5, 4e0]], [[6, 7]], [[0, 48], [64, 0], [12, 13]]]}\n```'
    chance, answered = random.Random(7), 0
    for _ in range(20_000):
        text = list(right)
        for _ in range(chance.randint(0, 4)):
            place = chance.randrange(len(text))
            text[place : place + chance.randint(0, 2)] = chance.choices(ALPHABET, k=chance.randint(0, 2))
            text = text or [" "]
        found = strokes_in("".join(text[: chance.choice([None, chance.randrange(len(text))])]), FRAME)
        sound(found, FRAME)
        answered += not isinstance(found, str)
    assert 1_000 < answered < 19_000


@given(TOKENS)
@settings(max_examples=300, deadline=None)
def test_no_tokens_break_the_parser(text):
    for frame in (FRAME, WIDE):
        sound(strokes_of_tokens(text, frame), frame)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("nothing", "no ink tokens"),
        ("<ink_token_1><ink_token_300>", "a point before the first stroke"),
        ("<ink_token_450><ink_token_1>", "tokens that are no point"),
        ("<ink_token_450><ink_token_300><ink_token_1>", "tokens that are no point"),
        ("<ink_token_450><ink_token_1><ink_token_2>", "tokens that are no point"),
        ("<ink_token_450><ink_token_1><ink_token_999>", "tokens that are no point"),
        ("<ink_token_450><ink_token_450>", "no points"),
    ],
)
def test_wrong_tokens_are_no_answer(text, why):
    assert strokes_of_tokens(text, FRAME) == why


def test_the_square_of_inksight_is_undone():
    """A picture of 300 x 60 is 224 x 45 in the square, with 89 rows of paper above."""
    (stroke,) = strokes_of_tokens(f"<ink_token_450><ink_token_224><ink_token_{225 + 89}>", WIDE)
    assert stroke[0] == pytest.approx([300, 0])


@given(
    st.integers(0, 6),
    st.integers(0, 5),
    st.lists(st.floats(width=32), min_size=30, max_size=30),
)
@settings(max_examples=200, deadline=None)
def test_no_array_breaks_the_parser(rows, columns, values):
    array = np.resize(np.array(values), rows * columns).reshape(rows, columns)
    sound(strokes_of_array(array, FRAME), FRAME)


def test_coordinates_beyond_all_numbers_are_no_ink():
    found = strokes_of_array(np.array([[3e38, 0.5, 1], [-3e38, 0.5, 0]], np.float32), FRAME)
    assert answer_of(found, FRAME.width, FRAME.height).status == "failed"


def test_strokes_of_trace_are_marked_or_numbered():
    xy = np.array([[0.1, 0.9], [0.2, 0.8], [0.3, 0.7], [0.4, 0.6]])
    for begins in ([1, 0, 1, 0], [0.9, 0.2, 0.6, 0.1], [1, 1, 2, 2], [0, 0, 1, 0]):
        strokes = strokes_of_array(np.column_stack([xy, begins]), FRAME)
        assert [len(stroke) for stroke in strokes] == [2, 2]
    assert strokes[0][0] == pytest.approx([4.8, 4.8])


class Evil:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_a_pickle_from_elsewhere_runs_nothing(given_away, tmp_path):
    np.save(
        tmp_path / "all_data.npy",
        np.array([{"id": "x", "stroke": Evil(tmp_path / "was here")}], dtype=object),
        allow_pickle=True,
    )
    with pytest.raises(FormatError, match="the pickle asks for"):
        bring("trace", tmp_path / "all_data.npy", given_away, tmp_path / "p.parquet", by="me", name="theirs")
    assert not (tmp_path / "was here").exists()


def test_failures_are_counted_and_what_belongs_nowhere_is_put_aside(truths, given_away, tmp_path):
    keys = sorted(truths)
    answers = [(keys[0], as_json(truths[keys[0]], 3)), (keys[1], "sorry"), (keys[2], "sorry"), (keys[3], "")]
    source = lines(tmp_path / "a.jsonl", [*answers, (keys[0], "again"), ("no such key", "{}")])
    shown = kalamos(
        "import-predictions", "vision-language", source, "--images", given_away, "--by", "me", "--name", "m",
        "--out", tmp_path / "p.parquet", "--json",
    )  # fmt: skip
    assert json.loads(shown) == {
        "answered": 1,
        "failed": {"words in place of JSON": 2, "no answer": 1},
        "unanswered": 2,
        "put_aside": {"another answer to the same image: the first counts": 1, "no image of this name": 1},
    }
    read = read_predictions(tmp_path / "p.parquet", truths)
    assert [read.answers[key].status for key in keys[:4]] == ["ok", "failed", "failed", "failed"]
    card = tomllib.loads((tmp_path / "card.toml").read_text())
    assert card["run"]["by"] == "me"
    assert card["run"]["relation"] == "third_party"
    assert (card["entry"], card["task"]) == ("m", TASK)
    assert "prompt" in json.loads(read.metadata["provenance"])


@pytest.mark.parametrize("kind", RECIPES)
def test_the_draft_of_every_card_is_toml(kind, truths, given_away, tmp_path):
    source = WRITTEN[kind](tmp_path, truths)
    _, (_, card) = bring(kind, source, given_away, tmp_path / "p.parquet", by='A "B" C', name="theirs")
    assert tomllib.loads(card.read_text())["run"]["by"] == 'A "B" C'


def test_the_draft_is_wrong_until_it_is_filled_in_and_then_a_card(truths, given_away, tmp_path):
    source = lines(tmp_path / "a.jsonl", [(key, as_json(row, 3)) for key, row in truths.items()])
    home = tmp_path / "theirs"
    _, (_, path) = bring("vision-language", source, given_away, home / "predictions.parquet", by="A", name="theirs")
    card, findings = read_card(home)
    assert card is None
    assert "date" in findings[0].text
    path.write_text(path.read_text().replace("YYYY-MM-DD", "2026-11-20").replace('"..."', '"CC-BY-4.0"'))
    card, findings = read_card(home)
    assert findings == []
    assert card_findings(card, home, datetime.date(2026, 11, 21)) == []
    assert (card.values["run"]["by"], card.values["run"]["relation"]) == ("A", "third_party")


BAD_LINES = ["[]", '{"image": 3, "output": ""}', '{"output": ""}', "nonsense", '{"image": "x", "output": [1]}', "\xff"]


@pytest.mark.parametrize("line", BAD_LINES)
@pytest.mark.parametrize("kind", ["vision-language", "inksight"])
def test_a_line_that_is_none_is_named(line, kind, given_away, tmp_path):
    (tmp_path / "a.jsonl").write_text("\n" + line + "\n", encoding="latin-1")
    with pytest.raises(FormatError, match="line 2"):
        bring(kind, tmp_path / "a.jsonl", given_away, tmp_path / "p.parquet", by="me", name="m")
    assert not (tmp_path / "p.parquet").exists()


def test_what_cannot_be_is_refused_before_anything_is_written(truths, given_away, tmp_path):
    source = lines(tmp_path / "a.jsonl", [(key, as_json(row, 3)) for key, row in truths.items()])
    for changes, message in [
        ({"name": "kalamos"}, "built in"),
        ({"name": "../x"}, "cannot be called"),
        ({"by": " "}, "who brings"),
        ({"by": "a\nb"}, "who brings"),
        ({"folder": tmp_path}, "no index"),
        ({"kind": "other"}, "no recipe"),
        ({"out": source}, "is an input"),
    ]:
        asked = {
            "kind": "vision-language",
            "folder": given_away,
            "by": "me",
            "name": "m",
            "out": tmp_path / "p.parquet",
        }
        asked |= changes
        with pytest.raises((TaskError, StoreError), match=message):
            bring(
                asked["kind"], source, asked["folder"], asked["out"], by=asked["by"], name=asked["name"], overwrite=True
            )
    modes = tmp_path / "modes"
    for mode in ("vanilla", "r+d"):
        (modes / mode).mkdir(parents=True)
        (modes / mode / "x.inkml").write_text("<ink/>")
    with pytest.raises(FormatError, match="several modes"):
        bring("inksight", modes, given_away, tmp_path / "p.parquet", by="me", name="m")
    assert not (tmp_path / "p.parquet").exists()


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": "kalamos-task-images/1", "frames": {"a": 1}}'])
def test_a_damaged_index_is_named(text, tmp_path):
    (tmp_path / "task-images.json").write_text(text)
    with pytest.raises(TaskError, match="no index"):
        read_images(tmp_path)


def test_images_of_nobody_are_no_answers(given_away, tmp_path):
    source = lines(tmp_path / "a.jsonl", [("someone", "{}")])
    with pytest.raises(TaskError, match="names look like"):
        bring("vision-language", source, given_away, tmp_path / "p.parquet", by="me", name="m")


def test_a_set_of_images_is_what_was_written(given_away):
    assert isinstance(read_images(given_away), ImageSet)
