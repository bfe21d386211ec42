"""Style: every parameter that a rendered image depends on, with its unit, its range and its meaning.

Conventions. Angles are in degrees and grow clockwise, as y grows downwards; 0 points to the right. Lengths in ``_px``
are pixels of the finished image. Fractions "of white" are of the step from black (0) to white (255). A parameter at its
default does nothing, so that ``Style()`` is black ink of a round nib on white paper, exact to a hundredth of a grey
level. The parameters act in this order: geometry, frame, smoothing, nib and ink, paper, capture.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np

from kalamos.errors import StyleError

Range = tuple[float, float] | Sequence[str]
_DISTORTIONS = frozenset({"slant_deg", "rotation_deg", "aspect", "elastic_px", "tremor_px", "perspective"})


def _number(
    group: str, default: float, unit: str, span: tuple[float, float], meaning: str, *, later: bool = False
) -> Any:
    metadata = {"group": group, "unit": unit, "low": span[0], "high": span[1], "meaning": meaning}
    return dataclasses.field(default=default, metadata=metadata | ({"later": True} if later else {}))


def _choice(group: str, options: str, meaning: str) -> Any:
    choices = tuple(options.split())
    return dataclasses.field(default=choices[0], metadata={"group": group, "choices": choices, "meaning": meaning})


@dataclass(frozen=True, eq=True)
class Style:
    """All parameters of a rendering; immutable and hashable. ``parameters()`` lists units, ranges and meanings.

    Raises:
        StyleError: where a value is of the wrong kind or out of its range.
    """

    # nib: the shape that the pen presses on the paper, and how its size changes
    nib_shape: str = _choice("nib", "round ellipse broad", "disc, ellipse or rectangle (a broad edge) swept by the pen")
    nib_angle_deg: float = _number("nib", 45.0, "deg", (-180.0, 180.0), "direction of the nib's long side")
    nib_aspect: float = _number(
        "nib", 0.25, "ratio", (0.02, 1.0), "short side of an ellipse or broad nib over its long"
    )
    width_px: float = _number("nib", 2.5, "px", (0.1, 400.0), "nib width (the long side, where it has two)")
    width_mm: float = _number(
        "nib", 0.0, "mm", (0.0, 50.0), "nib width at `dpi`, in place of width_px; 0: use width_px"
    )
    dpi: float = _number("nib", 300.0, "px/inch", (10.0, 4800.0), "resolution that width_mm is meant at")
    width_law: str = _choice("nib", "constant speed pressure direction", "what the nib's width follows on the way")
    width_low: float = _number("nib", 0.5, "ratio", (0.02, 4.0), "width factor when fastest, lightest or along the nib")
    width_high: float = _number(
        "nib", 1.3, "ratio", (0.02, 4.0), "width factor when slowest, heaviest or across the nib"
    )
    width_smoothing_px: float = _number("nib", 4.0, "px", (0.0, 200.0), "path length over which the law is averaged")
    taper_start_px: float = _number(
        "nib", 0.0, "px", (0.0, 400.0), "path length over which a stroke swells at its start"
    )
    taper_end_px: float = _number("nib", 0.0, "px", (0.0, 400.0), "path length over which a stroke thins at its end")
    taper_width: float = _number("nib", 0.3, "ratio", (0.02, 1.0), "width factor at the very tip of a taper")
    # ink: how much of it is left where
    darkness: float = _number("ink", 1.0, "of white", (0.02, 1.0), "how dark full ink is; 1: black")
    opacity: float = _number(
        "ink",
        1.0,
        "ratio",
        (0.05, 1.0),
        "share of the paper that one stroke hides; below 1, strokes laid over each other darken",
    )
    pressure_darkness: float = _number("ink", 0.0, "ratio", (0.0, 1.0), "ink that is lost at pressure 0 (if recorded)")
    pooling: float = _number("ink", 0.0, "ratio", (0.0, 2.0), "growth of the width where the pen is slowest")
    pooling_start: float = _number(
        "ink", 0.0, "ratio", (0.0, 2.0), "growth of the width at pen-down, gone after 2 widths"
    )
    dry_gaps: float = _number(
        "ink",
        0.0,
        "ratio",
        (0.0, 0.9),
        "share of the path that a dry pen skips; gaps from 2 nib widths on keep a tenth of the ink, shorter ones more",
    )
    dry_length_px: float = _number("ink", 3.0, "px", (0.5, 200.0), "mean length of such a gap")
    ink_texture: float = _number("ink", 0.0, "ratio", (0.0, 1.0), "unevenness of the ink: 1 leaves holes in it")
    ink_texture_px: float = _number("ink", 1.0, "px", (0.3, 20.0), "size of the grains of that unevenness")
    bleed_px: float = _number("ink", 0.0, "px", (0.0, 10.0), "how far ink creeps along the paper's fibres")
    # geometry: distortions of the path; the truth is distorted with it
    slant_deg: float = _number(
        "geometry", 0.0, "deg", (-60.0, 60.0), "shear of x by height; positive leans to the right"
    )
    rotation_deg: float = _number("geometry", 0.0, "deg", (-180.0, 180.0), "rotation, clockwise")
    scale: float = _number("geometry", 1.0, "ratio", (0.05, 1.0), "size in the box that the frame leaves; 1 fills it")
    aspect: float = _number("geometry", 1.0, "ratio", (0.2, 5.0), "stretch of x over that of y")
    elastic_px: float = _number("geometry", 0.0, "px", (0.0, 50.0), "RMS displacement of a smooth random field")
    elastic_scale_px: float = _number("geometry", 24.0, "px", (4.0, 2000.0), "wavelength of that field")
    tremor_px: float = _number("geometry", 0.0, "px", (0.0, 10.0), "RMS of the hand's tremble")
    tremor_wavelength_px: float = _number("geometry", 8.0, "px", (2.0, 200.0), "path length of one tremble")
    # smoothing of the polyline
    smoothing: str = _choice(
        "smoothing",
        "none catmull-rom bspline",
        "curve between the points; a B-spline also moves the points (and the truth) onto itself",
    )
    smoothing_step_px: float = _number("smoothing", 1.0, "px", (0.1, 50.0), "longest straight piece of the curve")
    # frame: the picture's size, and where the ink lies in it
    frame: str = _choice("frame", "fixed height tight", "image of fixed size, of fixed height, or as large as the ink")
    image_width_px: int = _number("frame", 64, "px", (4, 16384), "width of a fixed image")
    image_height_px: int = _number("frame", 64, "px", (4, 16384), "height of a fixed or fixed-height image")
    margin_px: float = _number("frame", 6.0, "px", (0.0, 2000.0), "least distance of the path from the edge")
    px_per_unit: float = _number(
        "frame", 0.0, "px/unit", (0.0, 1e6), "fixed scale of the ink's own units; 0: fit the frame (a tight one: 1)"
    )
    centring: str = _choice("frame", "box mass", "what is centred: the ink's box, or the mean of its path")
    shift_x: float = _number("frame", 0.0, "ratio", (-1.0, 1.0), "place in the free width: -1 left, 0 centred, 1 right")
    shift_y: float = _number(
        "frame", 0.0, "ratio", (-1.0, 1.0), "place in the free height: -1 top, 0 centred, 1 bottom"
    )
    tier: str = _choice("frame", "exact fast", "raster: 512 samples a pixel of the true union, or a distance field")
    # paper
    paper_level: float = _number("paper", 1.0, "of white", (0.2, 1.0), "brightness of the bare paper")
    paper_grain: float = _number("paper", 0.0, "of white", (0.0, 0.2), "standard deviation of its fine grain")
    paper_grain_px: float = _number("paper", 1.0, "px", (0.5, 20.0), "size of the grain")
    paper_cloud: float = _number("paper", 0.0, "of white", (0.0, 0.3), "standard deviation of its slow unevenness")
    paper_cloud_px: float = _number("paper", 24.0, "px", (4.0, 500.0), "size of the clouds")
    ruling: str = _choice("paper", "none lines grid dots", "what is printed on the paper")
    ruling_spacing_px: float = _number("paper", 16.0, "px", (3.0, 500.0), "distance between rulings")
    ruling_width_px: float = _number("paper", 1.0, "px", (0.2, 20.0), "their width")
    ruling_darkness: float = _number("paper", 0.25, "of white", (0.0, 1.0), "how dark they are")
    ruling_angle_deg: float = _number("paper", 0.0, "deg", (-15.0, 15.0), "how far the sheet lies askew")
    ruling_phase: float = _number("paper", 0.5, "ratio", (0.0, 1.0), "first ruling, in spacings from the top left")
    stains: float = _number("paper", 0.0, "ratio", (0.0, 1.0), "expected share of the sheet under a stain")
    stain_darkness: float = _number("paper", 0.15, "of white", (0.0, 1.0), "how dark a stain is at its rim")
    stain_size_px: float = _number("paper", 16.0, "px", (2.0, 1000.0), "median diameter of a stain")
    show_through: float = _number(
        "paper", 0.0, "of white", (0.0, 0.6), "darkness of writing that shines through from behind"
    )
    light: float = _number("paper", 0.0, "of white", (0.0, 0.9), "loss of light from the bright side to the dark")
    light_angle_deg: float = _number("paper", 30.0, "deg", (-180.0, 180.0), "direction in which the light fades")
    shadow: float = _number("paper", 0.0, "of white", (0.0, 0.9), "depth of a soft-edged cast shadow at a random place")
    # capture: the scanner or the camera
    perspective: float = _number(
        "capture", 0.0, "ratio", (0.0, 0.3), "how far a corner moves in, of the image's side; the truth moves with it"
    )
    thickness_px: float = _number("capture", 0.0, "px", (-3.0, 3.0), "ink grown (above 0) or eaten by the process")
    blur_px: float = _number("capture", 0.0, "px", (0.0, 10.0), "standard deviation of the optical blur")
    motion_px: float = _number(
        "capture", 0.0, "px", (0.0, 30.0), "way of the camera while it looked, in a direction of chance", later=True
    )
    gamma: float = _number("capture", 1.0, "ratio", (0.3, 3.0), "exponent of the tone curve; above 1 darkens")
    noise: float = _number("capture", 0.0, "of white", (0.0, 0.3), "standard deviation of the sensor noise")
    salt: float = _number("capture", 0.0, "ratio", (0.0, 0.3), "share of pixels that turn white")
    pepper: float = _number("capture", 0.0, "ratio", (0.0, 0.3), "share of pixels that turn black")
    jpeg_quality: int = _number("capture", 0, "1..100", (0, 100), "JPEG quality; 0: not compressed")
    binarise: str = _choice("capture", "none fixed otsu sauvola", "threshold to black and white")
    threshold: float = _number("capture", 0.5, "of white", (0.0, 1.0), "threshold of `fixed`; ink is darker")
    sauvola_window_px: int = _number("capture", 15, "px", (3, 255), "window of Sauvola's threshold (odd)")
    sauvola_k: float = _number("capture", 0.2, "ratio", (0.0, 1.0), "Sauvola's k: higher leaves less ink")

    def __post_init__(self) -> None:
        """Check every value."""
        for item in _items():
            object.__setattr__(self, item.name, _checked(item, getattr(self, item.name)))

    @classmethod
    def parameters(cls) -> dict[str, dict[str, Any]]:
        """Return name -> ``group``, ``default``, ``meaning`` and ``unit``, ``low``, ``high`` or ``choices``."""
        return {item.name: {"default": item.default, **item.metadata} for item in _items()}

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], base: Style | None = None) -> Style:
        """Return ``base`` (the default style, where None) with these values; unknown names are refused."""
        for name in values:
            _known(name)
        return dataclasses.replace(base or cls(), **values)

    @classmethod
    def from_toml(cls, text: str) -> Style:
        """Read a style from TOML: ``name = value`` lines, under the group's table or none; the rest are defaults.

        Raises:
            StyleError: where the text is not TOML, a name is unknown or stands in the wrong table.
        """
        try:
            read = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise StyleError(f"a style is a TOML text: {error}") from error
        values: dict[str, Any] = {}
        known = cls.parameters()
        for name, value in read.items():
            if not isinstance(value, dict):
                values[name] = value
                continue
            if name not in {item["group"] for item in known.values()}:
                raise StyleError(f"[{name}] is no group of parameters; the groups are {', '.join(_groups())}")
            for inner in value:
                if inner in known and known[inner]["group"] != name:
                    raise StyleError(f"{inner} belongs under [{known[inner]['group']}], not [{name}]")
            values |= value
        return cls.from_mapping(values)

    def to_toml(self) -> str:
        """Write all values as TOML, one table a group; ``Style.from_toml`` gives the same style again."""
        return self._listed([item.name for item in _items()])

    @cached_property
    def hash(self) -> str:
        """Return 16 hexadecimal digits that name these values, the same on every machine (BLAKE2b of the TOML).

        A parameter that a later version brought does not count at its default, where it does nothing: styles keep
        their names.
        """
        named = [
            item.name
            for item in _items()
            if not ("later" in item.metadata and getattr(self, item.name) == item.default)
        ]
        return hashlib.blake2b(self._listed(named).encode(), digest_size=8).hexdigest()

    def _listed(self, names: Sequence[str]) -> str:
        """Return ``name = value`` lines of these parameters, below their groups."""
        lines = []
        for group in _groups():
            lines += ["", f"[{group}]"]
            for item in _items():
                if item.metadata["group"] == group and item.name in names:
                    value = getattr(self, item.name)
                    lines.append(
                        f"{item.name} = {chr(34) + value + chr(34) if isinstance(value, str) else repr(value)}"
                    )
        return "\n".join(lines[1:]) + "\n"

    @classmethod
    def sample(cls, rng: np.random.Generator, ranges: Mapping[str, Range], base: Style | None = None) -> Style:
        """Return ``base`` with values drawn evenly from ``ranges``: name -> ``(low, high)`` or names to choose from.

        The names are drawn in the order of the parameters, whatever the order of ``ranges``.

        Raises:
            StyleError: where a name is unknown or a range leaves the parameter's own.
        """
        for name in ranges:
            _known(name)
        drawn: dict[str, Any] = {}
        for item in _items():
            if item.name in ranges:
                drawn[item.name] = _drawn(item, rng, ranges[item.name])
        return cls.from_mapping(drawn, base)

    def replace(self, **changes: Any) -> Style:
        """Return this style with some values changed."""
        return type(self).from_mapping(changes, self)

    def scaled(self, factor: float) -> Style:
        """Return the same look in pictures ``factor`` times as large: every length in px grows, as far as it may.

        Raises:
            StyleError: where the factor is no positive number.
        """
        if not (math.isfinite(factor) and factor > 0):
            raise StyleError(f"a style is scaled by a positive number; got {factor!r}")
        grown: dict[str, Any] = {}
        for item in _items():
            if item.metadata.get("unit") == "px":
                length = min(max(getattr(self, item.name) * factor, item.metadata["low"]), item.metadata["high"])
                grown[item.name] = round(length) if isinstance(item.default, int) else length
        return dataclasses.replace(self, **grown)

    @cached_property
    def distorts(self) -> bool:
        """Return whether the truth differs from a placed copy of the ink: its geometry is distorted."""
        changed = {item.name for item in _items() if getattr(self, item.name) != item.default}
        return self.smoothing == "bspline" or bool(changed & _DISTORTIONS)

    @cached_property
    def is_plain(self) -> bool:
        """Return whether paper, capture and the ink's texture are at their defaults: a picture without chance."""
        return all(getattr(self, item.name) == item.default for item in _items() if _is_surface(item))

    @property
    def nib_width_px(self) -> float:
        """Return the nib's width in pixels, from ``width_mm`` at ``dpi`` where that is given."""
        return self.width_mm / 25.4 * self.dpi if self.width_mm > 0 else self.width_px


@cache
def _items() -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(Style)


def _is_surface(item: dataclasses.Field[Any]) -> bool:
    return item.metadata["group"] in {"paper", "capture"} or item.name in {"ink_texture", "bleed_px"}


def _groups() -> tuple[str, ...]:
    return tuple(dict.fromkeys(item.metadata["group"] for item in _items()))


def _known(name: str) -> None:
    names = [item.name for item in _items()]
    if name not in names:
        near = difflib.get_close_matches(name, names, n=3)
        hint = f"did you mean {', '.join(near)}?" if near else "Style.parameters() lists them all"
        raise StyleError(f"{name!r} is no parameter of a style; {hint}")


def _checked(item: dataclasses.Field[Any], value: Any) -> Any:
    meta = item.metadata
    if "choices" in meta:
        if value not in meta["choices"]:
            near = difflib.get_close_matches(str(value), meta["choices"], n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise StyleError(f"{item.name} is one of {', '.join(meta['choices'])}; got {value!r}{hint}")
        return str(value)
    whole = isinstance(item.default, int)
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise StyleError(f"{item.name} is a number of {meta['unit']}; got {value!r}")
    if not math.isfinite(value) or not meta["low"] <= value <= meta["high"]:
        raise StyleError(f"{item.name} lies in {meta['low']:g}..{meta['high']:g} {meta['unit']}; got {value!r}")
    if whole and value != int(value):
        raise StyleError(f"{item.name} is a whole number of {meta['unit']}; got {value!r}")
    return int(value) if whole else float(value)


def _drawn(item: dataclasses.Field[Any], rng: np.random.Generator, among: Range) -> Any:
    if "choices" in item.metadata:
        options = [_checked(item, option) for option in among]
        return options[int(rng.integers(len(options)))]
    low, high = (_checked(item, bound) for bound in among)
    if low > high:
        raise StyleError(f"the range of {item.name} runs from low to high; got {low} to {high}")
    return int(rng.integers(low, high + 1)) if isinstance(item.default, int) else float(rng.uniform(low, high))
