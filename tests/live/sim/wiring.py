"""A desk's commands over the wire: what a backtest ordered is ordered again through the real client."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from alpaca.trading.client import TradingClient
from alpaca.trading.requests import (
    LimitOrderRequest,
    MarketOrderRequest,
    ReplaceOrderRequest,
    StopLimitOrderRequest,
    StopOrderRequest,
)
from alpaca.trading.stream import TradingStream
from numpy.typing import NDArray

from backtest import exchange
from backtest.costs import Costs
from backtest.exchange import accept
from backtest.loop import match_rows
from backtest.stepwise import Trader, taken
from live.sim.server import Loopback
from live.tape import Tape
from live.words import columns_of
from quantlib.desk import memory
from quantlib.desk.messages import CANCEL, EXIT, LIMIT, MARKET, STOP, SUBMIT
from quantlib.strategy import Strategy
from quantlib.table import Table

PATIENCE = 10.0  # seconds that a test waits for what must come
REQUESTS = {MARKET: MarketOrderRequest, LIMIT: LimitOrderRequest, STOP: StopOrderRequest}


def until(true: Callable[[], bool]) -> None:
    """Wait for something to be true."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        threading.Event().wait(0.002)


def trading(alpaca: Loopback, raw: bool = False) -> TradingClient:
    """The real client, pointed here."""
    return TradingClient(alpaca.keys.key, alpaca.keys.secret, raw_data=raw, url_override=alpaca.keys.trading)


@contextlib.contextmanager
def listening(alpaca: Loopback, raw: bool = True) -> Iterator[list[Any]]:
    """What the real stream hears while inside."""
    stream = TradingStream(alpaca.keys.key, alpaca.keys.secret, raw_data=raw, url_override=alpaca.keys.trade_updates)
    heard: list[Any] = []

    async def hear(update: Any) -> None:
        heard.append(update)

    stream.subscribe_trade_updates(hear)
    thread = threading.Thread(target=stream.run)
    thread.start()
    try:
        until(lambda: alpaca.orders.listening)
        yield heard
    finally:
        stream.stop()
        asyncio.run_coroutine_threadsafe(stream.close(), stream._loop).result()  # it would wait five seconds more
        thread.join()


def commanded(strategy: Strategy, table: Table, cash: float, costs: Costs) -> list[NDArray[Any]]:
    """What the desk commands at each timestamp of a backtest."""
    desk = memory.opened(strategy.policy, table.symbols, cash)
    venue = exchange.opened(table.symbols, desk.instruments, costs)
    trader, tape = Trader(strategy, table.symbols, desk), Tape(table)
    said = []
    for step in range(tape.steps):
        columns = columns_of(tape.rows(step))
        rows = trader.rows(columns)
        match_rows(venue, rows, 0, rows.ts.size)
        reports = venue.reports[: venue.state["reports"][0]].copy()
        venue.state["reports"] = 0
        trader.turn(rows, columns, reports)
        commands = taken(desk, "commands")
        taken(desk, "fills")
        taken(desk, "finished")
        accept(venue, commands, len(commands), tape.ts(step))
        said.append(commands)
    return said


class Hand:
    """Carries commands out through the client, and knows which order of the desk is which at the broker."""

    def __init__(self, client: TradingClient, table: Table) -> None:
        self.client, self.symbols = client, table.symbols
        self.ids: dict[int, Any] = {}

    def carry_out(self, commands: NDArray[Any]) -> None:
        """One timestamp's commands, in their order."""
        for c in commands:
            if c["kind"] == SUBMIT:
                self._submit(c)
            elif c["kind"] == CANCEL:
                self.client.cancel_order_by_id(self.ids[int(c["id"])])
            else:
                prices = {"limit_price": int(c["limit"]) / 100 or None, "stop_price": int(c["stop"]) / 100 or None}
                asked = ReplaceOrderRequest(qty=int(c["lots"]), **prices)
                self.ids[int(c["id"])] = self.client.replace_order_by_id(self.ids[int(c["id"])], asked).id

    def _submit(self, c: Any) -> None:
        id, side = int(c["id"]), "buy" if c["side"] > 0 else "sell"
        limit, stop = int(c["limit"]) / 100, int(c["stop"]) / 100
        asked: dict[str, Any] = {
            "symbol": self.symbols[c["symbol"]], "qty": int(c["lots"]), "side": side,
            "time_in_force": "day" if c["tif"] == 1 else "gtc", "client_order_id": f"desk-{id}",
            "position_intent": f"{side}_to_{'close' if c['leg'] == EXIT else 'open'}",
        }  # fmt: skip
        if limit:
            asked["limit_price"] = limit
        if stop:
            asked["stop_price"] = stop
        legs = {"take_profit": {"limit_price": int(c["target_leg"]) / 100}} if c["target_leg"] else {}
        legs |= {"stop_loss": {"stop_price": int(c["stop_leg"]) / 100}} if c["stop_leg"] else {}
        if legs:
            asked |= legs | {"order_class": "bracket" if len(legs) == 2 else "oto"}
        order = self.client.submit_order(REQUESTS.get(int(c["order"]), StopLimitOrderRequest)(**asked))
        self.ids[id] = order.id
        for leg in order.legs or []:
            self.ids[id + (1 if leg.type == "stop" else 2)] = leg.id


def executions(client: TradingClient) -> list[tuple[int, str, str, float, float]]:
    """All fills, page by page: ts, symbol, side, quantity, price."""
    found: list[dict[str, Any]] = []
    while True:
        token = {"page_token": found[-1]["id"]} if found else {}
        page = client.get("/account/activities/FILL", {"direction": "asc", "page_size": 7, **token})
        if not page:
            break
        found += page
    return [
        (int(np.datetime64(one["transaction_time"].removesuffix("Z"), "ns").astype(np.int64)), one["symbol"],
         one["side"], float(one["qty"]), float(one["price"]))
        for one in found
    ]  # fmt: skip
