"""Compiling happens once on a machine; who waits for it is told."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import get_ident


@contextmanager
def heard(tell: Callable[[str], None]) -> Iterator[None]:
    """While inside, `tell` hears the name of every kernel that this thread begins to compile."""
    from numba.core import event

    mine = get_ident()

    class Compiles(event.Listener):  # type: ignore[misc]
        def on_start(self, event: event.Event) -> None:
            if get_ident() == mine:
                tell(event.data["dispatcher"].py_func.__name__)

        def on_end(self, event: event.Event) -> None:
            """What ends has nothing to say."""

    with event.install_listener("numba:compile", Compiles()):
        yield


@contextmanager
def announced() -> Iterator[None]:
    """While inside, one line on standard error says what is being compiled, if anything is.

    On a terminal the line follows the work and goes away after it; elsewhere it is written once.
    """
    line, count, live = sys.stderr, 0, sys.stderr.isatty()

    def tell(name: str) -> None:
        nonlocal count
        count += 1
        if live:
            line.write(f"\r\x1b[2Kcompiling, once: {name.strip('_')} ({count})")
        elif count == 1:
            line.write("compiling, once (ahead of time: python -m backtest compile)\n")
        line.flush()

    with heard(tell):
        try:
            yield
        finally:
            if live and count:
                line.write("\r\x1b[2K")
                line.flush()
