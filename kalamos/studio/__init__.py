"""The studio: look at recovered ink over its picture, put it right, and keep what was put right as truth.

``actions`` are pure functions on a page; ``history`` applies them and writes each one down before it counts;
``drawer`` knows the folder and what lies beside its pictures; ``recoveries`` recovers in the background what has no ink
yet; ``server`` is the web page, for this machine alone.
"""
