"""Heuristic recovery: a stroke graph from the image, and tracers that walk it."""
