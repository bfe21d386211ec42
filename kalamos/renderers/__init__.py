"""From ink to a picture that could be a scan, with the truth on its pixels."""

from kalamos.renderers.presets import PRESETS, preset
from kalamos.renderers.style import Style

__all__ = ["PRESETS", "Style", "preset"]
