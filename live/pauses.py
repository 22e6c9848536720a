"""What the interpreter does in its own time, kept short, so that no decision waits for it.

turns       Python lets a thread run for five milliseconds before another may, if both want to; a session has a thread
            that decides and threads that read sockets, so a decision could wait for that long several times
collector   now and then it looks at every object of the process for cycles, a tenth of a second where libraries of
            this size are loaded; what was there when a session began is for good, and need not be looked at
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

TURN = 0.0005  # seconds


@contextmanager
def short_turns(turn: float = TURN) -> Iterator[None]:
    """While inside, threads of this process hand over sooner; it costs a few percent of what they get done."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(turn, before))
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@contextmanager
def kept() -> Iterator[None]:
    """While inside, the collector passes over all that was there before."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
