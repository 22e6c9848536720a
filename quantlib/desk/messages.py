"""The words of desk and exchange: what commands, reports and orders say, as fixed records.

A command goes from the desk to an exchange or broker, a report comes back.  Both are plain records, so that the
simulated exchange, the journal and a broker adapter read the same bytes.  Quantities are whole lots, limit and stop
prices whole ticks; a fill's price is what the venue said, in quote currency.
"""

import numpy as np

# command.kind
SUBMIT, CANCEL, REPLACE = 1, 2, 3

# report.kind
ACCEPTED, REJECTED, FILL, CANCELLED, EXPIRED, REPLACED, CARRY = 1, 2, 3, 4, 5, 6, 7

# order.kind
MARKET, LIMIT, STOP, STOP_LIMIT = 1, 2, 3, 4

# order.tif (time in force)
DAY, GTC = 1, 2

# order.leg: what an order is for; an ENTRY opens, all others only reduce
ENTRY, EXIT, STOP_LEG, TARGET_LEG = 1, 2, 3, 4

# order.status
SENT, WORKING, PARTIAL, FILLED, CANCELED, REJECT, EXPIRE = 1, 2, 3, 4, 5, 6, 7

# order.change: a wish of ours that the venue has not answered
STEADY, CANCELLING, REPLACING = 0, 1, 2

BUY, SELL = 1, -1

COMMAND_KINDS = {SUBMIT: "submit", CANCEL: "cancel", REPLACE: "replace"}
REPORT_KINDS = {
    ACCEPTED: "accepted", REJECTED: "rejected", FILL: "fill", CANCELLED: "cancelled", EXPIRED: "expired",
    REPLACED: "replaced", CARRY: "carry",
}  # fmt: skip
ORDER_KINDS = {MARKET: "market", LIMIT: "limit", STOP: "stop", STOP_LIMIT: "stop_limit"}
TIFS = {DAY: "day", GTC: "gtc"}
LEGS = {ENTRY: "entry", EXIT: "exit", STOP_LEG: "stop", TARGET_LEG: "target"}
STATUSES = {
    SENT: "sent", WORKING: "working", PARTIAL: "partial", FILLED: "filled", CANCELED: "cancelled",
    REJECT: "rejected", EXPIRE: "expired",
}  # fmt: skip
SIDES = {BUY: "buy", SELL: "sell"}

# What an order asks for.  `group` ties orders of which one cancels the other; the legs of a bracket carry the id of
# their entry.  `stop_fraction` and `target_fraction` ask the venue to attach legs at that fraction of the fill price;
# `stop_leg` and `target_leg`, in ticks, ask for them at fixed prices instead, as brokers with bracket orders take them.
ASK = [
    ("id", "i8"), ("group", "i8"), ("lots", "i8"), ("limit", "i8"), ("stop", "i8"), ("stop_fraction", "f8"),
    ("target_fraction", "f8"), ("stop_leg", "i8"), ("target_leg", "i8"), ("symbol", "i4"), ("side", "i1"),
    ("order", "i1"), ("tif", "i1"), ("leg", "i1"), ("reduce", "i1"),
]  # fmt: skip

COMMAND = np.dtype([("ts", "i8"), *ASK, ("kind", "i1")], align=True)

REPORT = np.dtype(
    [
        ("ts", "i8"), ("id", "i8"), ("group", "i8"), ("lots", "i8"), ("limit", "i8"), ("stop", "i8"),
        ("price", "f8"), ("fee", "f8"), ("slippage", "f8"), ("symbol", "i4"), ("kind", "i1"), ("side", "i1"),
        ("order", "i1"), ("leg", "i1"), ("reason", "i1"),
    ],
    align=True,
)  # fmt: skip

# A working order as the desk knows it; slots are chained by `next`.
_WORKING = [
    *ASK, ("status", "i1"), ("change", "i1"), ("reason", "i1"), ("next", "i4"), ("filled", "i8"), ("paid", "f8"),
    ("reserved", "f8"), ("placed", "i8"), ("done", "i8"),
]  # fmt: skip
ORDER = np.dtype(_WORKING, align=True)

# The same as the simulated exchange knows it: when it and its changes arrive, and its prices.
RESTING = np.dtype(
    [
        *_WORKING, ("triggered", "i1"), ("inside", "i1"), ("active", "i8"), ("expires", "i8"), ("wait", "i8"),
        ("change_active", "i8"), ("new_lots", "i8"), ("new_limit", "i8"), ("new_stop", "i8"),
        ("limit_price", "f8"), ("stop_price", "f8"),
    ],
    align=True,
)  # fmt: skip

# A booked fill: the report, and what it did to the position.
FILLED_ROW = np.dtype(
    [
        ("ts", "i8"), ("id", "i8"), ("lots", "i8"), ("position", "i8"), ("price", "f8"), ("fee", "f8"),
        ("slippage", "f8"), ("realised", "f8"), ("symbol", "i4"), ("side", "i1"), ("leg", "i1"),
    ],
    align=True,
)  # fmt: skip
