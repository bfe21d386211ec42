"""``python -m kalamos`` is the command ``kalamos``."""

import sys

from kalamos.machinery.interrupts import note_interrupts


def run() -> None:
    """Run the command; Ctrl-C while modules are still loading is no traceback either."""
    note_interrupts()
    try:
        from kalamos.cli import main  # noqa: PLC0415

        main(prog_name="kalamos")
    except KeyboardInterrupt:
        sys.stderr.write("Aborted!\n")
        sys.exit(130)


if __name__ == "__main__":
    run()
