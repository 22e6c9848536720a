"""How threads of one process take turns: Python lets one run for five milliseconds before another may, if both want to.

A session has a thread that decides and threads that read sockets, so a decision could wait for that long several times.
"""

from __future__ import annotations

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
