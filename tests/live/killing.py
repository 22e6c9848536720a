"""`python -m live …` that kills itself: at its n-th call to the disk, before it, or half-way through a write.

    python tests/live/killing.py N before|half ARGUMENTS…       N = 0: kill never, and say how many calls there were

Calls counted are os.write to files, os.fsync and os.replace: all by which the runner changes anything.
"""

import os
import signal
import sys
from typing import Any

CALLS = ("write", "fsync", "replace")


def armed(at: int, half: bool) -> list[int]:
    """Patch the calls of this process; returns the counter."""
    count = [0]

    def patched(name: str, real: Any) -> Any:
        def call(*args: Any, **named: Any) -> Any:
            if name == "write" and args[0] <= 2:
                return real(*args, **named)
            count[0] += 1
            if count[0] == at:
                if name == "write" and half:
                    real(args[0], bytes(args[1])[: len(args[1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **named)

        return call

    for name in CALLS:
        setattr(os, name, patched(name, getattr(os, name)))
    return count


if __name__ == "__main__":
    counted = armed(int(sys.argv[1]), sys.argv[2] == "half")
    from live.__main__ import main

    code = main(sys.argv[3:])
    sys.stderr.write(f"calls {counted[0]}\n")
    sys.exit(code)
