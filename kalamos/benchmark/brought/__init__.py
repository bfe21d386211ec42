"""Predictions of systems that cannot be installed: images for them, and their answers back as predictions."""
