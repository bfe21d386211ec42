"""Between the benchmark and a model: starts the model's process, watches its memory, and ends all that it started.

``python -m kalamos.benchmark.supervisor FD SPEC MEMORY_MB STATUS_FD``: FD is one end of a socket pair, handed on to
:mod:`kalamos.benchmark.worker`. It ends everything below it when its standard input closes, which the benchmark's end
does too, however it comes; then it writes to STATUS_FD how the model's process ended.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys

from kalamos.machinery.processes import adopt_orphans, kill_all_below, kill_with_parent, resident_bytes

LOOK_S = 0.2
"""How often the memory of the tree is looked at."""


def main() -> None:
    """Start the worker and watch it until it, or the benchmark, ends."""
    descriptor, spec, memory_mb, status = int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the benchmark, which then closes the input
    adopt_orphans()
    command = [sys.executable, "-m", "kalamos.benchmark.worker", str(descriptor), spec]
    worker = subprocess.Popen(  # noqa: S603
        command,
        pass_fds=[descriptor],
        stdin=subprocess.DEVNULL,
        preexec_fn=kill_with_parent,  # noqa: PLW1509 - this process has no threads
    )
    os.close(descriptor)
    reason = _watch(worker, memory_mb * 2**20)
    kill_all_below()
    os.write(status, (reason or _ending(worker.wait())).encode())


def _watch(worker: subprocess.Popen[bytes], limit_bytes: float) -> str:
    """Return why the worker has to end, empty where it has ended by itself."""
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
        while worker.poll() is None:
            if selector.select(LOOK_S) and not os.read(sys.stdin.fileno(), 4096):
                return "closed"
            if resident_bytes() > limit_bytes:
                return f"used more than {limit_bytes / 2**20:.0f} MB (see --memory)"
    return ""


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


if __name__ == "__main__":
    main()
