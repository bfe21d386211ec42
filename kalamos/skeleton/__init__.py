"""From ink in a picture to a graph of its lines."""
