"""Gaps in what a feed has heard: filled from history in the background, and asked for again where no source could."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from live.feeds.backfill import Backfill
from live.feeds.history import SECOND
from live.feeds.mailbox import Filled, Gap, Mailbox
from live.feeds.settings import FeedSettings


class Gaps:
    """Gaps that are being filled, and those that wait to be asked for again.

    Args:
        backfill: what fills them.
        mailbox: where what was found is put.
        settings: of the feed.
        clock: ns UTC.
    """

    def __init__(
        self, backfill: Backfill, mailbox: Mailbox, settings: FeedSettings, clock: Callable[[], int]
    ) -> None:  # fmt: skip
        self.backfill, self.mailbox, self.settings, self.clock = backfill, mailbox, settings, clock
        self._worker = ThreadPoolExecutor(1, "feed history")
        self._asking = 0  # gaps that moments wait for
        self._unfilled: dict[Gap, int] = {}  # gaps that no source has filled -> when to ask again, monotonic ns

    def ask(self, symbols: Sequence[str], begin: int) -> None:
        """Have a gap filled, in the background; what is not older than `patience` can still be decided on."""
        self._asking += 1
        self._submit(Gap(tuple(symbols), begin), self.clock() - int(self.settings.patience * SECOND))

    def filled(self, filled: Filled) -> bool:
        """A gap has its answer; whether there is none left that moments wait for."""
        self._asking = max(0, self._asking - 1)
        if filled.failed is not None:
            self._unfilled[filled.failed] = time.monotonic_ns() + int(self.settings.again * SECOND)
        return not self._asking

    def ask_again(self) -> None:
        """Gaps that no source has filled, a while later: their rows come too late to be decided on, but they come."""
        if self._unfilled:
            now = time.monotonic_ns()
            for gap in [gap for gap, due in self._unfilled.items() if due <= now]:
                del self._unfilled[gap]
                self._submit(gap, self.clock())

    def close(self) -> None:
        """Ask no more; waits for the question that is being asked."""
        self._worker.shutdown(cancel_futures=True)

    def _submit(self, gap: Gap, fresh: int) -> None:
        end = self.clock()
        self._worker.submit(lambda: self.mailbox.put(self.backfill.gap(gap.symbols, gap.begin, end, fresh)))
