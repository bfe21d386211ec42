"""Pictures on the way: the same for (seed, key, epoch) whatever workers, ranks and order there are."""

import sys

import numpy as np
import pytest

from kalamos.errors import KalamosError, StyleError
from kalamos.ink import Ink, Sample
from kalamos.renderers import PRESETS, Style, render

torch = pytest.importorskip("torch")

from torch.utils.data import DataLoader, DistributedSampler  # noqa: E402

from kalamos.renderers.on_the_fly import RenderedInk, collate  # noqa: E402

STYLES = [PRESETS["ballpoint"], PRESETS["scan"]]
RANGES = {"slant_deg": (-15, 15), "width_px": (1.5, 3.0)}


def samples(n=12):
    made = []
    for k in range(n):
        rng = np.random.default_rng(k)
        xy = [np.cumsum(rng.normal(size=(int(rng.integers(1, 20)), 2)), 0) for _ in range(int(rng.integers(1, 4)))]
        t = None if k % 3 else np.split(np.arange(sum(map(len, xy))) / 100, np.cumsum([len(s) for s in xy])[:-1])
        made.append(
            Sample(
                key=f"s{k}",
                ink=Ink.from_strokes(xy, t=t),
                label=str(k),
                level="character",
                script="Latn",
                time_source="none" if t is None else "recorded",
            )
        )
    return made


def data(**options):
    return RenderedInk(samples(), STYLES, RANGES, seed=3, **options)


def pictures(loader):
    """Return key -> bytes of the picture and its truth."""
    found = {}
    for batch in loader:
        for k, key in enumerate(batch.keys):
            width, points = int(batch.widths[k]), int((batch.strokes[k] >= 0).sum())
            found[key] = (batch.images[k, 0, :, :width].numpy().tobytes(), batch.points[k, :points].numpy().tobytes())
    return found


@pytest.mark.parametrize("workers", [0, 2])
def test_epochs_differ_and_come_again_on_any_number_of_workers(workers):
    drawn = data()
    loader = DataLoader(drawn, 5, shuffle=True, collate_fn=collate, num_workers=workers, persistent_workers=workers > 0)
    first = pictures(loader)
    drawn.set_epoch(1)
    second = pictures(loader)
    drawn.set_epoch(0)
    assert pictures(loader) == first
    assert all(first[key] != second[key] for key in first)
    alone = data()
    assert {s.sample.key: s.rendering.image.pixels.tobytes() for s in (alone[k] for k in range(len(alone)))} == {
        key: image for key, (image, _) in first.items()
    }


def test_ranks_share_the_samples_and_draw_what_one_process_draws():
    whole = pictures(DataLoader(data(), 4, collate_fn=collate))
    parts = []
    for rank in range(3):
        drawn = data()
        sampler = DistributedSampler(drawn, num_replicas=3, rank=rank, shuffle=True, seed=1)
        parts.append(pictures(DataLoader(drawn, 2, sampler=sampler, collate_fn=collate)))
    assert sorted(key for part in parts for key in part) == sorted(whole)
    assert {key: value for part in parts for key, value in part.items()} == whole


def test_a_picture_is_that_of_the_renderer_with_its_truth():
    drawn = RenderedInk(samples(), [Style(frame="height")])
    drawn.set_epoch(7)
    batch = collate([drawn[k] for k in range(len(drawn))])
    for k, sample in enumerate(samples()):
        alone = render(sample.ink, Style(frame="height"), key=f"{sample.key}\x1f7")
        width, n = alone.image.width_px, alone.truth.n_points
        np.testing.assert_array_equal(batch.images[k, 0, :, :width], alone.image.pixels)
        assert (batch.images[k, 0, :, width:] == 255).all()
        np.testing.assert_array_equal(batch.points[k, :n], alone.truth.xy)
        assert batch.strokes[k, :n].unique().numel() == sample.ink.n_strokes and (batch.strokes[k, n:] == -1).all()
        assert torch.isnan(batch.times[k, :n]).all() == (sample.ink.t is None)


def test_styles_follow_the_ranges_and_all_are_used():
    drawn = data()
    styles = []
    for epoch in range(20):
        drawn.set_epoch(epoch)
        styles += [drawn.style_of(sample.key) for sample in drawn.samples]
    assert {style.jpeg_quality for style in styles} == {style.jpeg_quality for style in STYLES}
    slants = np.array([style.slant_deg for style in styles])
    assert -15 <= slants.min() < -13 and 13 < slants.max() <= 15


def test_few_styles_can_be_shared():
    shared = data(styles_an_epoch=3)
    first = [shared.style_of(sample.key) for sample in shared.samples]
    assert len(set(first)) == 3
    assert [data(styles_an_epoch=3).style_of(sample.key) for sample in shared.samples] == first
    shared.set_epoch(1)
    assert not {shared.style_of(sample.key) for sample in shared.samples} & set(first)


def test_wrong_use_is_refused_at_once():
    with pytest.raises(StyleError, match="one style"):
        RenderedInk(samples(), [])
    with pytest.raises(StyleError, match="did you mean slant_deg"):
        RenderedInk(samples(), STYLES, {"slant": (0, 1)})
    tight = RenderedInk(samples(), [Style(frame="tight", px_per_unit=9.0)])
    with pytest.raises(KalamosError, match="one height"):
        collate([tight[0], tight[1]])


def test_without_torch_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(KalamosError, match=r"kalamos\[models\]"):
        RenderedInk(samples(), STYLES)
