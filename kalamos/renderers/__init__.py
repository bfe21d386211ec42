"""From ink to a picture that could be a scan, with the truth on its pixels."""

from kalamos.renderers.presets import PRESETS, preset, read_style
from kalamos.renderers.render import Rendering, render, render_batch
from kalamos.renderers.style import Style

__all__ = ["PRESETS", "Rendering", "Style", "preset", "read_style", "render", "render_batch"]
