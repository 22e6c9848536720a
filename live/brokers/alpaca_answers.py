"""What is read of Alpaca's answers, call by call."""

from __future__ import annotations

import re
from typing import Any

from live.brokers.answers import Check, anything, each, number, reads, record, whole, word
from live.brokers.orders import moment

INSTANT = reads(moment, "instant")
NUMBERS = ("qty", "filled_qty", "filled_avg_price", "limit_price", "stop_price")
INSTANTS = ("submitted_at", "updated_at", "filled_at")


def _order(value: Any) -> str:
    return ORDER(value)


def _parts(value: Any) -> str:
    """What became of each of several orders or positions; an empty answer is none."""
    return each(record({}, {"status": whole}))(value) if isinstance(value, list) else ""


ORDER = record(
    {"id": word, "status": word},
    {**dict.fromkeys(NUMBERS, number), **dict.fromkeys(INSTANTS, INSTANT), "legs": each(_order)},
)
FILL = record({"id": word, "qty": number, "cum_qty": number}, {"price": number, "transaction_time": INSTANT})
CHECKS = tuple(
    (re.compile(call), check)
    for call, check in (
        ("GET /account", record({"cash": number, "status": word}, {"equity": number})),
        ("GET /account/activities/FILL", each(FILL)),
        ("GET /positions", each(record({"symbol": word, "qty": number}))),
        ("GET /orders", each(ORDER)),
        ("(GET|PATCH) /orders[:/].+", ORDER),
        ("POST /orders", ORDER),
        ("GET /assets", each(record({"symbol": word}))),
        ("GET /assets/.+", record({"symbol": word}, {"price_increment": number, "min_trade_increment": number})),
        ("DELETE /(orders|positions)", _parts),
    )
)


def check_of(what: str) -> Check:
    """How the answer to a call, like GET /account, is checked."""
    return next((check for call, check in CHECKS if call.fullmatch(what)), anything)
