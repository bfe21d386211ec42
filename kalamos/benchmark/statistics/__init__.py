"""Intervals, tests and what they can tell apart."""
