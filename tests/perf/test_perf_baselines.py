"""What a tracer costs: twenty 64-px characters, and three text lines of 128 x 1024 px.

``pytest tests/perf/test_perf_baselines.py --benchmark-only --benchmark-group-by=group --benchmark-columns=median``
"""

from __future__ import annotations

import pytest
from test_perf_skeleton import SIZES, pictures

from kalamos.image import OfflineImage
from kalamos.recoverer import load_recoverer

TRACERS = ("nearest", "good-continuation", "qiao", "kato-yasuhara", "jaeger", "diaz", "dinh", "elbaati")


@pytest.mark.parametrize("name", TRACERS)
@pytest.mark.parametrize("kind", SIZES)
def test_tracer(benchmark, name, kind):
    benchmark.group = f"tracers, {kind}"
    images = [OfflineImage(picture, "Latn") for picture in pictures(kind)]
    tracer = load_recoverer(name)
    tracer.recover(images)
    benchmark(tracer.recover, images)
