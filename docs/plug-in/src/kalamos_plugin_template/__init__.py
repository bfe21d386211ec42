"""A recovery model as a Kalamos plug-in."""
