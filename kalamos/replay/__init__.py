"""Ink shown as it was written: SVG, animations, the terminal."""
