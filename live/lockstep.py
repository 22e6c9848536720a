"""A replay through the wire, one moment after the other: what is decided on a row knows every fill up to it.

The loopback service matches the next timestamp; when all that came of it has been heard over the account's websocket,
its bars are told; when they have been decided on and the orders are in, the next one follows.  So a run through the
real client gives the decisions, orders, fills and equity of the backtest.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from live.brokers.protocol import WireBroker
from live.errors import BrokerError
from live.runner import Runner
from live.sim.server import Loopback
from live.trading import Watch
from live.words import Output

PATIENCE = 10.0  # seconds that a trade update may take to arrive
NAP = 0.0005


class Lockstep:
    """Drives a loopback service by what a session does.

    Args:
        loopback: the service.
        broker: of the session, that hears its trade updates.
        pace: called before each timestamp with its number, so that a replay can be slowed down.
    """

    def __init__(
        self, loopback: Loopback, broker: WireBroker, pace: Callable[[int], None] = lambda step: None
    ) -> None:  # fmt: skip
        self.loopback, self.broker, self.pace = loopback, broker, pace
        self.over = False  # every timestamp was decided on
        self._missed = 0  # updates told while the broker was not listening: it caught up by REST

    @property
    def watch(self) -> Watch:
        """To be given to `live.trading.trade`."""
        return Watch(self._began, self._stepped)

    def _began(self, runner: Runner) -> None:
        self._missed = self.loopback.settle() - self.broker.heard
        self.advance()

    def _stepped(self, runner: Runner, output: Output) -> None:
        if len(output.decision):
            self.advance()

    def advance(self) -> None:
        """The next timestamp happens.

        Raises:
            BrokerError: if what came of it is not heard.
        """
        if self.loopback.finished:
            self.over = True
            return
        self.pace(self.loopback.market.step)
        told = self.loopback.match() - self._missed
        until = time.monotonic() + PATIENCE
        while self.broker.heard < told:
            if time.monotonic() > until:
                raise BrokerError(f"lockstep: {told} trade updates were told, {self.broker.heard} heard")
            time.sleep(NAP)
        self.loopback.publish()
