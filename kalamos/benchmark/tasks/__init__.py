"""The benchmark tasks: one TOML file each, beside the checksums of every image."""
