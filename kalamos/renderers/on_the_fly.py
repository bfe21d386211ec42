"""Pictures made on the way: a dataset for torch's ``DataLoader`` that draws every ink anew in every epoch.

Style and chance are functions of (seed, key, epoch) alone. So the same epoch has the same pictures on any number of
workers and ranks, in any order, and after a restart; shuffling and sharding are left to the sampler, as with any
map-style dataset::

    data = RenderedInk(samples, [preset("ballpoint"), preset("pencil")], {"slant_deg": (-15, 15)}, seed=1)
    sampler = DistributedSampler(data)
    loader = DataLoader(data, 64, sampler=sampler, collate_fn=collate, num_workers=4, persistent_workers=True)
    for epoch in range(epochs):
        data.set_epoch(epoch)
        sampler.set_epoch(epoch)
        for batch in loader:
            ...
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kalamos.errors import KalamosError, StyleError
from kalamos.ink import Ink, Sample
from kalamos.machinery.seeding import rng_for, stable_hash
from kalamos.renderers.render import Rendering, render_batch
from kalamos.renderers.style import Range, Style

if TYPE_CHECKING:
    from torch import Tensor


class RenderedSample(NamedTuple):
    """One picture, its truth in pixels, and the sample that it shows."""

    sample: Sample
    rendering: Rendering
    style: Style


class Batch(NamedTuple):
    """Pictures of like height, and their truths, as tensors.

    Attributes:
        images: uint8 ``(b, 1, h, w)``; narrower pictures are filled up by their own paper on the right.
        widths: int64 ``(b,)``, of the pictures themselves, px.
        points: float32 ``(b, n, 2)``, the truth in pixels; 0 beyond its end.
        strokes: int64 ``(b, n)``, the stroke that a point belongs to, from 0; -1 beyond the end.
        times: float64 ``(b, n)``, seconds; NaN where there are none.
        keys: the samples' keys.
        labels: what is written.
    """

    images: Tensor
    widths: Tensor
    points: Tensor
    strokes: Tensor
    times: Tensor
    keys: list[str]
    labels: list[str]


class RenderedInk:
    """Samples as a map-style dataset of pictures; see the module for its use with a ``DataLoader``.

    Args:
        samples: what is drawn; all of it is sent to every worker. Keys decide the pictures and should be unique.
        styles: one is chosen for each picture.
        ranges: parameters of the style that are drawn anew for each picture: ``Style.sample``.
        seed: with key and epoch it decides a picture.
        styles_an_epoch: draw only so many styles from the ranges in an epoch: pictures of a batch that share one are
            drawn together, and faster.

    Raises:
        StyleError: where there is no style, or a range leaves its parameter's own.
        KalamosError: where torch is not installed.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        styles: Sequence[Style] = (Style(),),
        ranges: Mapping[str, Range] | None = None,
        *,
        seed: int = 0,
        styles_an_epoch: int | None = None,
    ) -> None:
        try:
            import torch  # noqa: PLC0415 - the renderers do without torch
        except ImportError as error:
            raise KalamosError(
                "RenderedInk feeds torch, which is not installed: pip install 'kalamos[models]'"
            ) from error
        if not styles:
            raise StyleError("RenderedInk needs one style at least")
        self.samples, self.styles, self.ranges, self.seed = samples, tuple(styles), dict(ranges or {}), seed
        self.styles_an_epoch = styles_an_epoch
        Style.sample(rng_for(seed), self.ranges)  # a wrong range is refused here, not in a worker
        self._epoch = torch.zeros((), dtype=torch.int64)
        self._epoch.share_memory_()  # type: ignore[no-untyped-call]  # workers that live on see it change

    @property
    def epoch(self) -> int:
        """Return the epoch whose pictures are drawn."""
        return int(self._epoch)

    def set_epoch(self, epoch: int) -> None:
        """Draw the pictures of this epoch from the next iteration of the loader on, in all workers."""
        self._epoch.fill_(epoch)

    def style_of(self, key: str) -> Style:
        """Return the style in which a sample is drawn in this epoch."""
        if self.styles_an_epoch is not None:
            key = f"number {stable_hash(f'{self.seed} {key} {self.epoch}') % self.styles_an_epoch}"
        rng = rng_for(self.seed, "style", key, self.epoch)
        base = self.styles[int(rng.integers(len(self.styles)))]
        return Style.sample(rng, self.ranges, base) if self.ranges else base

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.samples)

    def __getitem__(self, index: int) -> RenderedSample:
        """Draw one sample."""
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[RenderedSample]:
        """Draw the samples of a batch, those of one style together; the loader calls this where it can."""
        epoch, drawn = self.epoch, dict[int, RenderedSample]()
        chosen = [self.samples[index] for index in indices]
        groups: dict[Style, list[int]] = defaultdict(list)
        for place, sample in enumerate(chosen):
            groups[self.style_of(sample.key)].append(place)
        for style, places in groups.items():
            some = [chosen[place] for place in places]
            pictures = render_batch(
                [sample.ink for sample in some],
                style,
                seed=self.seed,
                keys=[f"{sample.key}\x1f{epoch}" for sample in some],
                scripts=[sample.script for sample in some],
            )
            for place, sample, picture in zip(places, some, pictures, strict=True):
                drawn[place] = RenderedSample(sample, picture, style)
        return [drawn[place] for place in range(len(chosen))]


def collate(items: Sequence[RenderedSample]) -> Batch:
    """Return pictures of one height and their truths as padded tensors.

    Raises:
        KalamosError: where the pictures' heights differ: choose a frame that fixes the height.
    """
    import torch  # noqa: PLC0415

    pictures = [item.rendering.image.pixels for item in items]
    if len({picture.shape[0] for picture in pictures}) > 1:
        raise KalamosError("pictures of one batch need one height: a style with frame 'fixed' or 'height' gives it")
    widths = [picture.shape[1] for picture in pictures]
    points = max((item.rendering.truth.n_points for item in items), default=0)
    images = np.empty((len(items), 1, pictures[0].shape[0], max(widths)), np.uint8)
    places, strokes = np.zeros((len(items), points, 2), np.float32), np.full((len(items), points), -1, np.int64)
    times = np.full((len(items), points), np.nan)
    for k, (item, picture) in enumerate(zip(items, pictures, strict=True)):
        images[k, 0, :, : widths[k]] = picture
        images[k, 0, :, widths[k] :] = int(np.median(picture))
        _fill(item.rendering.truth, places[k], strokes[k], times[k])
    of = torch.from_numpy
    keys, labels = [item.sample.key for item in items], [item.sample.label for item in items]
    return Batch(of(images), torch.tensor(widths), of(places), of(strokes), of(times), keys, labels)


def _fill(truth: Ink, places: np.ndarray, strokes: np.ndarray, times: np.ndarray) -> None:
    n = truth.n_points
    places[:n] = truth.xy
    strokes[:n] = np.repeat(np.arange(truth.n_strokes), np.diff(truth.offsets))
    if truth.t is not None:
        times[:n] = truth.t
