"""Samples, images and rows on disk: Parquet and PNG."""
