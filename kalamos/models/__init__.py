"""Learned recovery: one module a model, training, and the weights that ship with the package."""
