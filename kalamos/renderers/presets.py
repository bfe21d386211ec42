"""Named styles: each looks like the pen or the process that it is named after (see ``docs/renderers.md``)."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from types import MappingProxyType

from kalamos.errors import StyleError, UnknownNameError
from kalamos.renderers.style import Style

_BALLPOINT = Style(
    width_px=2.0,
    width_law="pressure",
    width_low=0.75,
    width_high=1.15,
    darkness=0.86,
    opacity=0.93,
    pressure_darkness=0.2,
    pooling=0.1,
    pooling_start=0.15,
    dry_gaps=0.04,
    dry_length_px=0.5,  # far below the nib's width: a skipping ball leaves pale spots, and no gap like a lifted pen's
    ink_texture=0.25,
    smoothing="catmull-rom",
    paper_level=0.98,
    paper_grain=0.008,
    blur_px=0.35,
)

_PRESETS = {
    "clean": Style(),
    "ballpoint": _BALLPOINT,
    "fountain": Style(
        nib_shape="ellipse",
        nib_angle_deg=-40.0,
        nib_aspect=0.35,
        width_px=3.6,
        width_law="speed",
        width_low=0.75,
        width_high=1.2,
        taper_end_px=4.0,
        taper_width=0.5,
        darkness=0.88,
        pooling=0.2,
        pooling_start=0.2,
        ink_texture=0.15,
        ink_texture_px=2.5,
        bleed_px=0.4,
        smoothing="catmull-rom",
        paper_level=0.97,
        paper_grain=0.01,
        paper_cloud=0.008,
        blur_px=0.4,
    ),
    "qalam": Style(
        nib_shape="broad",
        nib_angle_deg=-55.0,
        nib_aspect=0.16,
        width_px=5.5,
        darkness=0.95,
        ink_texture=0.08,
        ink_texture_px=3.0,
        smoothing="catmull-rom",
        paper_level=0.94,
        paper_grain=0.012,
        paper_cloud=0.02,
        blur_px=0.35,
    ),
    "marker": Style(
        nib_shape="ellipse",
        nib_angle_deg=-60.0,
        nib_aspect=0.75,
        width_px=6.0,
        darkness=0.88,
        opacity=0.75,
        ink_texture=0.12,
        ink_texture_px=4.0,
        bleed_px=0.3,
        smoothing="catmull-rom",
        paper_level=0.99,
        paper_grain=0.006,
        blur_px=0.4,
    ),
    "pencil": Style(
        width_px=2.2,
        width_law="pressure",
        width_low=0.7,
        width_high=1.2,
        taper_start_px=2.0,
        taper_end_px=3.0,
        taper_width=0.5,
        darkness=0.76,
        opacity=0.85,
        pressure_darkness=0.25,
        ink_texture=0.6,
        ink_texture_px=0.8,
        smoothing="catmull-rom",
        paper_level=0.97,
        paper_grain=0.015,
        blur_px=0.35,
    ),
    "scan": _BALLPOINT.replace(
        paper_level=0.95,
        paper_grain=0.015,
        paper_cloud=0.012,
        ruling="lines",
        ruling_spacing_px=18.0,
        ruling_darkness=0.12,
        ruling_angle_deg=0.8,
        show_through=0.03,
        blur_px=0.6,
        noise=0.012,
        jpeg_quality=80,
    ),
    "photo": _BALLPOINT.replace(
        paper_level=0.86,
        paper_grain=0.015,
        paper_cloud=0.02,
        stains=0.04,
        light=0.18,
        shadow=0.1,
        perspective=0.06,
        blur_px=0.7,
        motion_px=1.2,
        noise=0.02,
        gamma=1.1,
        jpeg_quality=60,
    ),
    "binary": Style(blur_px=0.5, noise=0.05, binarise="otsu", smoothing="catmull-rom"),
}

PRESETS = MappingProxyType(_PRESETS)


def preset(name: str) -> Style:
    """Return the style that is called ``name``.

    Raises:
        UnknownNameError: where there is none; says what comes nearest.
    """
    if name not in PRESETS:
        near = difflib.get_close_matches(name, PRESETS, n=2)
        hint = f"did you mean {' or '.join(near)}? Known" if near else "known"
        raise UnknownNameError(f"no preset is called {name!r}; {hint} are: {', '.join(PRESETS)}")
    return PRESETS[name]


def read_style(style: str | os.PathLike[str]) -> Style:
    """Return the preset of that name or, where it ends in ``.toml``, the style that stands in that file.

    Raises:
        UnknownNameError: where there is no such preset.
        StyleError: where the file cannot be read or holds no style, names the file; where it is no name at all.
    """
    if not isinstance(style, str | os.PathLike):
        raise StyleError(f"a style is the name of a preset, a TOML file or a Style; got {style!r}")
    name = os.fspath(style)
    if not name.endswith(".toml"):
        return preset(name)
    try:
        return Style.from_toml(Path(name).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise StyleError(f"{name}: there is no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise StyleError(f"{name}: this cannot be read as text ({error})") from error
    except StyleError as error:
        raise StyleError(f"{name}: {error}") from error
