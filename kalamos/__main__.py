"""``python -m kalamos`` is the command ``kalamos``."""

from kalamos.cli import main

if __name__ == "__main__":
    main(prog_name="kalamos")
