"""The fields of a sample, beside its ink, as text: what exported files carry, so that reading them loses nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from kalamos.ink import Ink, Level, Provenance, Sample, Split, TimeSource, Units, with_provenance

TEXT_FIELDS = ("key", "label", "level", "script", "writer", "corpus", "units", "time_source", "source", "provenance")


def fields_of(sample: Sample) -> dict[str, str]:
    """Return the fields of a sample as text; those that are unknown or empty are left out."""
    fields = {name: str(getattr(sample, name)) for name in TEXT_FIELDS}
    fields["split"] = sample.split or ""
    fields["points_per_mm"] = "" if sample.points_per_mm is None else repr(float(sample.points_per_mm))
    return {name: text for name, text in fields.items() if text}


def sample_of(fields: Mapping[str, Any], ink: Ink) -> Sample:
    """Return the sample that :func:`fields_of` described.

    Raises:
        InkError: where a field has a value that it cannot have.
        ValueError: where ``points_per_mm`` is no number.
    """
    fields = with_provenance(fields)
    scale = fields.get("points_per_mm")
    return Sample(
        str(fields.get("key", "")),
        ink,
        str(fields.get("label", "")),
        cast(Level, fields.get("level", "page")),
        str(fields.get("script", "Zyyy")),
        str(fields.get("writer", "")),
        str(fields.get("corpus", "")),
        cast("Split | None", fields.get("split") or None),
        cast(Units, fields.get("units", "device")),
        None if scale in (None, "") else float(str(scale)),
        cast(TimeSource, fields.get("time_source", "none" if ink.t is None else "recorded")),
        str(fields.get("source", "")),
        cast(Provenance, fields["provenance"]),
    )
