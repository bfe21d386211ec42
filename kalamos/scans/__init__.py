"""From a scanned page to pieces of writing."""
