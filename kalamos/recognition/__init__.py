"""Recognition: what a recovered ink is worth to those who want to read it."""
