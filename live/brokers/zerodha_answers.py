"""What is read of Kite's answers, call by call, as the client hands them on."""

from __future__ import annotations

import re

from live.brokers.answers import Check, anything, each, number, reads, record, whole, word
from live.brokers.zerodha_orders import nanoseconds

INSTANT = reads(nanoseconds, "moment")
PLACE = {"exchange": word, "tradingsymbol": word}
KIND = {"transaction_type": word, "variety": word, "product": word, "order_type": word}
MONEY = dict.fromkeys(("price", "trigger_price", "average_price"), number)
MOMENTS = dict.fromkeys(("order_timestamp", "exchange_timestamp"), INSTANT)

ORDER = record(
    {"order_id": word, "status": word, "quantity": whole, **PLACE, **KIND},
    {"filled_quantity": whole, **MONEY, **MOMENTS},
)
POSITION = record({"product": word, "quantity": whole, "buy_value": number, "sell_value": number, **PLACE})
TRADE = record({"trade_id": word, "quantity": whole, "average_price": number, "exchange_timestamp": INSTANT})
RESULT = record({}, {"order_result": record({}), "timestamp": INSTANT})
GTT = record({
    "id": whole, "status": word, "created_at": INSTANT,
    "condition": record({"trigger_values": each(number), **PLACE}),
    "orders": each(record({"transaction_type": word, "quantity": number}, {"result": RESULT}), least=1),
})  # fmt: skip
CHECKS = tuple(
    (re.compile(call), check)
    for call, check in (
        ("GET /instruments/.+", each(record({"tick_size": number, "lot_size": whole, **PLACE}))),
        ("GET /orders", each(ORDER)),
        ("GET /orders/trades", each(TRADE)),
        ("GET /portfolio/holdings", each(record({"opening_quantity": whole, **PLACE}))),
        ("GET /portfolio/positions", record({"day": each(POSITION)})),
        ("GET /user/margins", record({"available": record({"cash": number})})),
        ("GET /gtt/triggers", each(GTT)),
        ("POST /gtt/triggers", record({"trigger_id": whole})),
        ("POST /charges/orders", each(record({"charges": record({"total": number})}))),
    )
)


def check_of(what: str) -> Check:
    """How the answer to a call, like GET /orders, is checked."""
    return next((check for call, check in CHECKS if call.fullmatch(what)), anything)
