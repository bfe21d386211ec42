"""Scans in: files of every kind and none, polarity, light, rulings, the pieces found, and the way back to the scan."""

from __future__ import annotations

import io
import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from kalamos.datasets.synthetic import Writer, synthesise
from kalamos.errors import FormatError, KalamosError
from kalamos.geometry import concat, transform
from kalamos.image import Placement
from kalamos.ink import Ink
from kalamos.machinery.seeding import rng_for
from kalamos.renderers import preset, render
from kalamos.scans import rules
from kalamos.scans.load import MAX_PIXELS, clean, fit, load, prepare, read_image
from kalamos.scans.pen import widened, widening
from kalamos.scans.rules import remove_rules
from kalamos.scans.segment import Piece, segment

WORD_GAP, LETTER_GAP = 60, 12


def letter(draw: ImageDraw.ImageDraw, x: int, y: int, *, dotted: bool = False, pen: int = 5) -> None:
    """Draw a loop 40 px wide and 60 px high, as one component, with a dot above where asked."""
    draw.ellipse((x, y, x + 40, y + 60), outline=0, width=pen)
    if dotted:
        draw.ellipse((x + 16, y - 20, x + 24, y - 12), fill=0)


def page(lines: int = 2, words: int = 2, letters: int = 3, *, dotted: bool = False) -> np.ndarray:
    """Draw ``lines`` of ``words`` of ``letters``; the k-th line is 120 px below the one before."""
    image = Image.new("L", (80 + words * (letters * (40 + LETTER_GAP) + WORD_GAP), 60 + 120 * lines), 255)
    draw = ImageDraw.Draw(image)
    for line in range(lines):
        x = 40
        for _ in range(words):
            for k in range(letters):
                letter(draw, x, 50 + 120 * line, dotted=dotted and k == 1)
                x += 40 + LETTER_GAP
            x += WORD_GAP
    return np.asarray(image)


def photographed(grey: np.ndarray, seed: int = 0) -> np.ndarray:
    """Put the page under light that fades to half, with noise."""
    height, width = grey.shape
    y, x = np.mgrid[0:height, 0:width]
    light = 1.0 - 0.5 * (x / width * 0.7 + y / height * 0.3)
    ink = 0.25 + 0.75 * grey / 255.0
    noise = np.random.default_rng(seed).normal(0, 4, grey.shape)
    return np.clip(220 * light * ink + noise, 0, 255).astype(np.uint8)


def ink_share(grey: np.ndarray) -> float:
    return float((grey < 128).mean())


@pytest.mark.parametrize(
    ("suffix", "mode"),
    [
        *[(".png", mode) for mode in ("L", "1", "RGB", "P", "LA", "RGBA")],
        *[(".jpg", mode) for mode in ("L", "RGB", "CMYK")],
        *[(".tif", "L"), (".tif", "CMYK"), (".bmp", "RGB"), (".webp", "RGB"), (".gif", "P")],
    ],
)
def test_every_kind_of_file_reads_as_the_same_grey(tmp_path, suffix, mode):
    drawn = page(1)
    file = tmp_path / f"scan{suffix}"
    Image.fromarray(drawn).convert(mode).save(file)
    read = read_image(file)
    assert read.dtype == np.uint8 and read.shape == drawn.shape
    assert np.abs(read.astype(int) - drawn).mean() < 3


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32])
def test_deep_pixels_keep_their_range(tmp_path, dtype):
    drawn = page(1)
    scale = {np.uint16: 257, np.int32: 257, np.float32: 1 / 255}[dtype]
    file = tmp_path / "deep.tif"
    Image.fromarray((drawn * np.float64(scale)).astype(dtype)).save(file)
    assert np.abs(read_image(file).astype(int) - drawn).max() <= 1


def test_a_dim_16_bit_scan_stays_dim(tmp_path):
    file = tmp_path / "dim.png"
    Image.fromarray(np.full((5, 5), 200 * 257, np.uint16)).save(file)
    assert (read_image(file) == 200).all()


def test_transparent_is_paper_for_dark_and_for_light_ink(tmp_path):
    drawn = page(1)
    for ink in (0, 255):
        layers = np.dstack([np.full((*drawn.shape, 3), ink, np.uint8), 255 - drawn])
        file = tmp_path / f"ink{ink}.png"
        Image.fromarray(layers).save(file)
        assert np.abs(clean(read_image(file)).astype(int) - clean(drawn)).mean() < 2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_cameras_orientation_is_applied(tmp_path, orientation):
    drawn = page(1)[:, :200]
    image = Image.fromarray(drawn)
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # what Pillow must do so that reading undoes it
    stored = image if orientation == 1 else image.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = tmp_path / "turned.png"
    stored.save(file, exif=exif)
    assert np.array_equal(read_image(file), drawn)


def test_blue_ink_on_blue_rulings_is_read_where_they_part(tmp_path):
    drawn = page(1)
    colour = np.full((*drawn.shape, 3), (250, 250, 245), np.uint8)
    colour[::20] = (180, 200, 240)
    colour[drawn < 128] = (40, 60, 170)
    file = tmp_path / "blue.png"
    Image.fromarray(colour).save(file)
    read = read_image(file)
    assert (read[drawn < 128] < 75).all() and np.median(read[::20]) > 170


@pytest.mark.parametrize("invert", [False, True])
def test_polarity_and_light_are_put_right(invert):
    drawn = page()
    taken = photographed(drawn)
    cleaned = clean(255 - taken if invert else taken)
    ink = drawn < 128
    assert np.median(cleaned[~ink]) == 255 and (cleaned[~ink] < 128).mean() < 0.01
    assert (cleaned[ink] < 128).mean() > 0.97


@pytest.mark.parametrize("method", ["otsu", "sauvola"])
def test_binarised_scans_are_black_and_white(method):
    cleaned = clean(photographed(page()), binarise=method)
    assert set(np.unique(cleaned)) == {0, 255}
    assert ink_share(cleaned) == pytest.approx(ink_share(page()), rel=0.15)


@pytest.mark.parametrize("slope", [0.0, 0.01])
def test_rulings_go_and_the_ink_that_crosses_them_stays(slope):
    drawn = page(2, 2)
    ruled = drawn.copy()
    x = np.arange(ruled.shape[1])
    rules = np.zeros(ruled.shape, bool)
    for y in range(20, ruled.shape[0] - 10, 31):
        for thick in (0, 1):
            rules[np.rint(y + slope * x).astype(int) + thick, x] = True
    rules[:, 25:27] = True
    ruled[rules] = 150
    ruled = np.minimum(ruled, drawn)
    cleaned = remove_rules(ruled)
    blank = rules & (drawn > 200)
    assert (cleaned[blank] < 200).mean() < 0.03
    assert (cleaned[drawn < 128] < 128).mean() > 0.93


@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize(("size", "thick"), [(40, 1), (76, 2), (110, 3), (300, 4)])
def test_a_crop_of_a_form_with_the_box_at_its_rim_is_not_inverted_and_loses_the_box(size, thick, invert):
    cell = np.full((size, size), 235, np.uint8)
    third = size // 3
    cell[third : 2 * third, size // 2 : size // 2 + max(2, thick)] = 30
    letter = cell < 128
    for edge in (cell, cell[::-1], cell.T, cell.T[::-1]):
        edge[:thick] = 60
    cleaned = prepare(255 - cell if invert else cell).grey
    assert (cleaned[letter] < 128).all()
    assert (cleaned[~letter] > 128).all()


def test_a_square_that_somebody_drew_stays():
    drawn = np.full((80, 80), 255, np.uint8)
    for edge in (drawn, drawn[::-1], drawn.T, drawn.T[::-1]):
        edge[12:15, 12:-12] = 20
    cleaned = prepare(drawn).grey
    assert (cleaned[drawn < 128] < 128).all()


def test_an_empty_box_at_the_rim_is_what_was_written():
    drawn = np.full((64, 64), 255, np.uint8)
    for edge in (drawn, drawn[::-1], drawn.T, drawn.T[::-1]):
        edge[:3] = 20
    assert (prepare(drawn).grey[drawn < 128] < 128).all()


def test_of_squares_within_squares_only_the_outer_one_is_a_box(monkeypatch):
    away = np.abs(np.arange(100) - 49.5)
    rings = np.maximum(away[:, None], away[None, :]).astype(int)
    asked = []
    find = rules._box
    monkeypatch.setattr(rules, "_box", lambda marks: asked.append(marks.shape) or find(marks))
    left = prepare(np.where(rings % 2, 20, 255).astype(np.uint8)).grey
    assert asked == [(100, 100)]  # one call a ring ended in a stack of thousands on a large page
    assert (left[10:-10, 10:-10] < 128).any()


def test_levels_count_what_was_drawn():
    cleaned = clean(photographed(page(3, 2, 4, dotted=True)))
    counts = {level: len(segment(cleaned, level=level)) for level in ("page", "line", "word", "character")}
    assert counts == {"page": 1, "line": 3, "word": 6, "character": 24}


def test_dots_stay_with_their_bodies():
    pieces = segment(page(1, 1, 3, dotted=True), level="character")
    assert [piece.box[3] - piece.box[1] for piece in pieces] == pytest.approx([63, 83, 63], abs=2)


def test_a_piece_holds_its_own_ink_only():
    image = Image.new("L", (120, 120), 255)
    draw = ImageDraw.Draw(image)
    draw.line((10, 10, 10, 100, 100, 100), fill=0, width=4)
    draw.line((60, 60, 110, 10), fill=0, width=4)
    pieces = segment(np.asarray(image), level="character")
    assert sum((piece.pixels < 128).sum() for piece in pieces) == (np.asarray(image) < 128).sum()


@pytest.mark.parametrize("script", ["Arab", "Adlm", "Rohg", "Armi"])
def test_reading_order_follows_the_script(script):
    latin = [piece.box for piece in segment(page(2, 2), level="word", script="Latn")]
    leftwards = [piece.box for piece in segment(page(2, 2), level="word", script=script)]
    assert latin == sorted(latin, key=lambda box: (box[1], box[0]))
    assert leftwards == [latin[1], latin[0], latin[3], latin[2]]


def test_resolution_does_not_matter():
    small = page(2, 2)
    large = np.kron(small, np.ones((3, 3), np.uint8))
    for level in ("line", "word", "character"):
        boxes = np.array([piece.box for piece in segment(small, level=level)])
        assert np.allclose(np.array([piece.box for piece in segment(large, level=level)]), 3 * boxes, atol=4)


@settings(max_examples=40, deadline=None)
@given(st.integers(30, 400), st.integers(30, 400), st.integers(16, 128), st.integers(0, 2**32))
@example(30, 187, 16, 193)  # ink less than a pixel tall in the model's image
def test_the_placement_leads_from_the_scan_to_the_image(height, width, size_px, seed):
    """The image's centre of mass is where its placement takes the ink of the scan."""
    rng = np.random.default_rng(seed)
    image = Image.new("L", (width + 40, height + 40), 255)
    points = np.column_stack([rng.uniform(20, 20 + width, 5), rng.uniform(20, 20 + height, 5)])
    ImageDraw.Draw(image).line([tuple(point) for point in points.tolist()], fill=0, width=6)
    [piece] = segment(np.asarray(image), level="page")
    fitted, placement = fit(piece, size_px=size_px)
    centre = centre_of_mass(fitted.pixels)
    shown = as_shown(piece, placement)
    assert np.abs(centre - placed_centre(shown, placement)).max() < 0.15
    # and back to the scan, where the ink covers pixels enough for their centres to have its own
    if min(np.ptp(piece.box[::2]), np.ptp(piece.box[1::2])) * placement.scale > 4:
        back = placement.from_pixels(Ink.from_strokes([[centre]])).xy[0]
        there = centre_of_mass(shown.pixels) + shown.box[:2]
        assert np.abs(back - there).max() < 0.25 / placement.scale + 0.25


def as_shown(piece: Piece, placement: Placement) -> Piece:
    """Return the piece as wide as its lines are shown: as much on every side."""
    by = widening(piece.pixels, placement.scale)
    x0, y0, x1, y1 = piece.box
    box = (x0 - by // 2, y0 - by // 2, x1 + by // 2, y1 + by // 2)
    return piece._replace(pixels=widened(np.pad(piece.pixels, by // 2, constant_values=255), by), box=box)


def centre_of_mass(pixels: np.ndarray) -> np.ndarray:
    ink = 255.0 - pixels
    rows, columns = np.indices(ink.shape)
    return np.array([(ink * (columns + 0.5)).sum(), (ink * (rows + 0.5)).sum()]) / ink.sum()


def placed_centre(piece: Piece, placement: Placement) -> np.ndarray:
    """Return the centre of mass of the placed ink as pixels can show it: ink counts at the centre of its pixel."""
    ink, parts = 255.0 - piece.pixels, 16
    centre = []
    for axis, (corner, shift) in enumerate(zip(piece.box[:2], placement[1:], strict=True)):
        mass = np.repeat(ink.sum(axis=axis), parts)
        at = placement.scale * (corner + (np.arange(len(mass)) + 0.5) / parts) + shift
        centre.append((mass * (np.floor(at) + 0.5)).sum() / mass.sum())
    return np.array(centre)


def test_fit_centres_the_ink_and_keeps_its_aspect():
    piece = Piece(np.zeros((30, 90), np.uint8), (100, 50, 190, 80))
    image, placement = fit(piece, size_px=64, margin_px=5)
    ink = np.argwhere(image.pixels < 128)
    assert placement.scale == pytest.approx(54 / 90)
    assert ink.min(axis=0).tolist() == [23, 5] and ink.max(axis=0).tolist() == [40, 58]
    tall, _ = fit(piece, size_px=None, height_px=40)
    assert tall.pixels.shape == (40, 100)


def test_load_does_it_all(tmp_path):
    file = tmp_path / "page.jpg"
    Image.fromarray(photographed(page(1, 2, 3))).save(file, quality=90)
    words = load(file, level="word", script="Latn", height_px=48)
    assert [word.image.height_px for word in words] == [48, 48]
    assert all(word.image.script == "Latn" and word.image.width_px > 48 for word in words)
    assert words[0].piece.box[0] < words[1].piece.box[0]


@pytest.mark.parametrize("value", [0, 128, 255])
@pytest.mark.parametrize("size", [(1, 1), (1, 300), (200, 200)])
def test_sheets_without_ink_have_no_pieces(tmp_path, value, size):
    file = tmp_path / "blank.png"
    Image.new("L", size, value).save(file)
    assert (clean(read_image(file)) == 255).all()
    assert load(file) == []


def test_a_black_square_is_ink():
    grey = np.full((60, 60), 255, np.uint8)
    grey[20:40, 20:40] = 0
    [piece] = segment(clean(grey), level="page")
    assert piece.box == (19, 19, 41, 41)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.png", b"", "the file is empty"),
        ("text.png", b"this is no picture at all", "this is none of PNG, JPEG"),
        ("cut.jpg", None, "cut short"),
        ("cut.png", None, "cut short"),
        ("vector.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "this is none of"),
    ],
)
def test_files_that_are_no_image_are_refused_by_name(tmp_path, name, content, message):
    if content is None:
        buffer = io.BytesIO()
        noise = np.random.default_rng(0).integers(0, 256, (99, 99), dtype=np.uint8)
        Image.fromarray(noise).save(buffer, {"jpg": "JPEG", "png": "PNG"}[name[-3:]])
        content = buffer.getvalue()[: len(buffer.getvalue()) // 2]
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(FormatError, match=message) as caught:
        read_image(file)
    assert name in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_files_never_crash(tmp_path_factory, data):
    buffer = io.BytesIO()
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF"]))
    Image.fromarray(page(1, 1, 1)).save(buffer, kind)
    content = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, min(len(content) - 1, 400)))] = data.draw(st.integers(0, 255))
    file = tmp_path_factory.mktemp("damaged") / f"scan.{kind.lower()}"
    file.write_bytes(bytes(content))
    try:
        read = read_image(file)
    except FormatError:
        return
    assert read.dtype == np.uint8 and read.size <= MAX_PIXELS


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(FormatError, match="no such file"):
        read_image(tmp_path / "nowhere.png")
    with pytest.raises(FormatError):
        read_image(tmp_path)


def test_a_very_wide_image_is_read_and_one_too_large_is_refused(tmp_path):
    wide = tmp_path / "wide.png"
    Image.fromarray(np.tile(page(1), (1, 40))[:, :18000]).save(wide)
    assert len(load(wide, level="line")) == 1
    large = tmp_path / "large.png"
    Image.new("1", (40_000, 6_000)).save(large)
    with pytest.raises(FormatError, match="40000 x 6000 pixels, more than 200 million"):
        read_image(large)


def test_sizes_and_names_are_checked():
    piece = Piece(np.zeros((9, 9), np.uint8), (0, 0, 9, 9))
    for options in ({"size_px": 64, "height_px": 64}, {"size_px": None}, {"size_px": 8}, {"size_px": 10**6}):
        with pytest.raises(KalamosError):
            fit(piece, **options)
    with pytest.raises(KalamosError, match="not 'letter'"):
        segment(np.zeros((9, 9), np.uint8), level="letter")
    with pytest.raises(KalamosError, match="uint8"):
        clean(np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(KalamosError, match="not by 'niblack'"):
        clean(page(1), binarise="niblack")


def test_noise_is_bounded():
    noise = np.random.default_rng(0).integers(0, 256, (600, 600), dtype=np.uint8)
    assert len(segment(clean(noise), level="word")) < 600


@pytest.mark.corpora
def test_omniglots_own_pictures_come_out_whole(corpora):
    for file in sorted((corpora / "omniglot/images_background_small1/Latin").rglob("*.png"))[:520:40]:
        drawn = np.asarray(Image.open(file).convert("L"))
        [fitted] = load(file)
        points = np.argwhere(fitted.image.pixels < 128)[:, ::-1] + 0.5
        back = fitted.placement.from_pixels(Ink.from_strokes([points])).xy
        inside = drawn[back[:, 1].astype(int), back[:, 0].astype(int)] < 128
        assert inside.mean() > 0.93


@pytest.mark.parametrize(
    ("script", "texts"), [("Arab", ["مدرسة", "هلال", "كتاب"]), ("Deva", ["किताब", "मछली"]), ("Taml", ["தமிழ்", "குடை"])]
)
def test_dots_and_vowel_signs_of_other_scripts_stay_in_their_words(script, texts):
    across = texts[::-1] if script == "Arab" else texts
    words, x = [], 0.0
    for text in across:
        ink = synthesise(text, script, Writer.neutral(), rng_for(0, text))
        words.append(transform(ink, dx=x - float(ink.xy[:, 0].min())))
        x += float(np.ptp(ink.xy[:, 0])) + 6
    style = preset("scan").replace(frame="height", image_height_px=200, width_px=4.0, margin_px=30.0, dry_gaps=0.0)
    drawn = render(concat(words, pause_s=0.3), style)
    found = segment(clean(drawn.image.pixels), level="word", script=script)
    first = np.cumsum([0, *(word.n_strokes for word in words)])
    boxes = []
    for a, b in itertools.pairwise(first.tolist()):
        xy = drawn.truth.xy[drawn.truth.offsets[a] : drawn.truth.offsets[b]]
        boxes.append([*xy.min(axis=0), *xy.max(axis=0)])
    expected = boxes[::-1] if script == "Arab" else boxes
    assert np.allclose([piece.box for piece in found], expected, atol=6)
