"""The benchmark: tasks, predictions, metrics, statistics and the leaderboard; the only room that sees both sides.

Predicting and scoring are apart, with files between them, so that a new metric never needs a new prediction run and a
submitted prediction is scored again, never trusted.
"""
