"""All that the desk remembers: fixed records, so that a snapshot is bytes and a restart is a copy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantlib.desk.messages import COMMAND, FILLED_ROW, ORDER
from quantlib.desk.policy import Policy, record

# account.mode: the kill switch
ACTIVE, REDUCING, HALTED = 0, 1, 2
MODES = {ACTIVE: "ACTIVE", REDUCING: "REDUCING", HALTED: "HALTED"}

# operator events: set a mode, or REDUCING and leave every position
FLATTEN = 3
OPERATOR = {ACTIVE: "resume", REDUCING: "reduce", HALTED: "halt", FLATTEN: "flatten"}

# decision codes; a refusal is minus its reason
NOTHING, LONG, SHORT, LEAVE, ORDERED, CANCELS, REPLACES = 0, 1, 2, 3, 4, 5, 6
DECISIONS = {
    NOTHING: "nothing", LONG: "enter long", SHORT: "enter short", LEAVE: "exit", ORDERED: "order",
    CANCELS: "cancel", REPLACES: "replace",
}  # fmt: skip

REASONS = (
    "none", "halted", "reducing only", "outside session", "cooldown", "signal already traded", "entry already working",
    "exit already working", "paused after losses", "daily drawdown", "trades a day", "open positions",
    "position size", "risk per trade", "gross exposure", "short share", "too small for one lot", "order table full",
    "missing value", "unknown order", "price outside rule", "would not reduce", "no equity", "closes and opens at once",
    "refused by the broker", "never reached the broker", "order rate", "notional of an order", "price collar",
    "symbol halted", "outside the price band",
)  # fmt: skip
(
    NO_REASON, IS_HALTED, IS_REDUCING, OFF_SESSION, COOLING, STALE_SIGNAL, ENTRY_WORKING,
    EXIT_WORKING, PAUSED, DAY_DRAWDOWN, TOO_MANY_TRADES, TOO_MANY_POSITIONS,
    POSITION_SIZE, TRADE_RISK, GROSS, SHORT_SHARE, TOO_SMALL, TABLE_FULL,
    NO_VALUE, UNKNOWN_ORDER, BAD_PRICE, NOT_REDUCING, NO_EQUITY, CROSSES_ZERO,
    BROKER_REFUSED, NEVER_ARRIVED, ORDER_RATE, ORDER_NOTIONAL, PRICE_COLLAR,
    SYMBOL_HALTED, OUTSIDE_BAND,
) = range(len(REASONS))  # fmt: skip

ACCOUNT = np.dtype(
    [
        ("ts", "i8"), ("cash", "f8"), ("equity", "f8"), ("long", "f8"), ("short", "f8"), ("pending_long", "f8"),
        ("pending_short", "f8"), ("realised", "f8"), ("fees", "f8"), ("slippage", "f8"), ("carry", "f8"),
        ("traded", "f8"), ("day_high", "f8"), ("day_open", "f8"), ("high_water", "f8"), ("max_drawdown", "f8"),
        ("day_begin", "i8"), ("day_end", "i8"), ("paused_until", "i8"), ("mode", "i8"), ("flatten", "i8"),
        ("breached", "i8"), ("losses", "i8"), ("trades_today", "i8"), ("busy", "i8"), ("next_id", "i8"),
        ("free", "i4"), ("commands", "i4"), ("anomalies", "i8"), ("fills", "i8"), ("finished", "i8"),
        ("refused", "i8", (len(REASONS),)),
    ],
    align=True,
)  # fmt: skip

HOLDING = np.dtype(
    [
        ("lots", "i8"), ("average", "f8"), ("mark", "f8"), ("value", "f8"), ("trip", "f8"), ("rows", "i8"),
        ("cooling", "i8"), ("head", "i4"), ("entries", "i4"), ("exits", "i4"), ("traded_side", "i4"),
    ],
    align=True,
)  # fmt: skip

# tick: smallest price step; per_tick: ticks per 1.0 of price; unit: quote currency per lot and 1.0 of price
INSTRUMENT = np.dtype([("tick", "f8"), ("per_tick", "f8"), ("unit", "f8"), ("lot", "f8")], align=True)

# What a decision wishes for; `action` is one of the decision codes, `limit`, `stop` are prices.
WISH = np.dtype(
    [("action", "i8"), ("lots", "f8"), ("limit", "f8"), ("stop", "f8"), ("stop_fraction", "f8"),
     ("target_fraction", "f8"), ("id", "i8"), ("side", "i8"), ("gtc", "i8"), ("reduce", "i8"), ("group", "i8")],
    align=True,
)  # fmt: skip
WISHES = 4  # the most that one decision may wish for
COMMANDS_PER_SYMBOL = 24  # room for all that one timestamp may say about one symbol


class Desk(NamedTuple):
    """The desk's memory and parameters: arrays of records that the compiled functions share."""

    policy: NDArray[Any]  # (1,)
    account: NDArray[Any]  # (1,)
    instruments: NDArray[Any]  # (symbols,)
    holdings: NDArray[Any]  # (symbols,)
    orders: NDArray[Any]  # (capacity,) slots; slot 0 is no order
    commands: NDArray[Any]  # (capacity,), account.commands of them filled
    finished: NDArray[Any]  # (capacity,) orders that ended since they were last taken, account.finished of them
    fills: NDArray[Any]  # (capacity,) booked fills since they were last taken, account.fills of them


class Instrument(NamedTuple):
    """How a symbol is counted: `tick` is the price step, `lot` the quantity step, `multiplier` the contract size."""

    tick: float = 0.01
    lot: float = 1.0
    multiplier: float = 1.0


def opened(
    policy: Policy,
    symbols: Sequence[str],
    cash: float,
    instruments: Instrument | Mapping[str, Instrument] | None = None,
) -> Desk:
    """A desk before its first row: all cash, no position, the kill switch ACTIVE.

    Raises:
        ValueError: if cash is not above 0, or an instrument's steps are not.
        PolicyError: if the policy contradicts itself.
    """
    if not cash > 0:
        raise ValueError(f"desk: cash must be above 0, got {cash}")
    count = len(symbols)
    account = np.zeros(1, ACCOUNT)
    for name in ("cash", "equity", "day_high", "day_open", "high_water"):
        account[name] = cash
    account["ts"] = account["day_end"] = account["paused_until"] = np.iinfo(np.int64).min
    account["next_id"] = 1
    holdings = np.zeros(count, HOLDING)
    holdings["mark"] = np.nan
    return Desk(
        record(policy), account, instrument_records(symbols, instruments), holdings, table(64 + 16 * count, account),
        np.zeros(64 + COMMANDS_PER_SYMBOL * count, COMMAND), np.zeros(64 + 64 * count, ORDER),
        np.zeros(64 + 64 * count, FILLED_ROW),
    )  # fmt: skip


def table(capacity: int, owner: NDArray[Any], dtype: np.dtype[Any] = ORDER) -> NDArray[Any]:
    """Empty order slots chained into a free list that begins at `owner.free`."""
    orders = np.zeros(capacity, dtype)
    orders["next"][1:-1] = np.arange(2, capacity)
    owner["free"] = 1
    return orders


def instrument_records(
    symbols: Sequence[str], instruments: Instrument | Mapping[str, Instrument] | None
) -> NDArray[Any]:
    """One record per symbol; ticks per unit are whole where the tick is a decimal like 0.01."""
    records = np.zeros(len(symbols), INSTRUMENT)
    for row, symbol in zip(records, symbols, strict=True):
        if isinstance(instruments, Mapping):
            if symbol not in instruments:
                raise ValueError(f"desk: no instrument for {symbol}; given are {sorted(instruments)}")
            one = instruments[symbol]
        else:
            one = instruments or Instrument()
        for name, step in one._asdict().items():
            if not (step > 0 and step < np.inf):
                raise ValueError(f"desk: {name} of {symbol} must be above 0, got {step}")
        inverse = 1.0 / one.tick
        whole = float(round(inverse))
        row["tick"], row["lot"], row["unit"] = one.tick, one.lot, one.lot * one.multiplier
        row["per_tick"] = whole if abs(inverse - whole) <= 1e-9 * inverse else inverse
    return records


def copied(desk: Desk) -> Desk:
    """Another desk with the same memory."""
    return Desk(*(part.copy() for part in desk))


def to_bytes(desk: Desk) -> bytes:
    """All memory, without parameters: `restored` puts it back into a desk opened with the same ones."""
    return b"".join(part.tobytes() for part in (desk.account, desk.holdings, desk.orders))


def restored(desk: Desk, data: bytes) -> Desk:
    """A desk like `desk` (same policy, symbols, instruments) whose memory is `data`.

    Raises:
        ValueError: if the data is not of this shape.
    """
    parts = (desk.account, desk.holdings, desk.orders)
    sizes = [part.nbytes for part in parts]
    if len(data) != sum(sizes):
        raise ValueError(f"desk: memory must be {sum(sizes)} bytes for {len(desk.holdings)} symbols, got {len(data)}")
    filled, offset = [], 0
    for part, size in zip(parts, sizes, strict=True):
        filled.append(np.frombuffer(data[offset : offset + size], part.dtype).copy())
        offset += size
    fresh = copied(desk)
    return fresh._replace(account=filled[0], holdings=filled[1], orders=filled[2])
