"""Our own model: the path of a pen over pieces of line."""
