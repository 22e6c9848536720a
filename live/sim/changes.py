"""What PATCH makes of an order: another one, that takes its place once the exchange agrees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from live.sim.intake import NAME_LENGTH, TIFS, chosen, invalid, lots_of, ticks_of, unprocessable
from live.sim.ledger import Ledger
from live.sim.order import Order
from live.sim.wire import decimal


def changed(old: Order, asked: Mapping[str, Any], ledger: Ledger) -> Order:
    """The order as PATCH wants it; its quantity counts what is filled already.

    Raises:
        Denied: 422 where a field does not suit the order.
    """
    trail = decimal(asked, "trail")
    fields = _prices(old, asked) | _size(old, asked)
    if asked.get("time_in_force"):
        fields["tif"] = chosen(asked, "time_in_force", TIFS)
    name = str(asked.get("client_order_id") or "")
    if name in ledger.named or len(name) > NAME_LENGTH:
        raise invalid(f"client_order_id must be unique, and no more than {NAME_LENGTH} characters")
    if not fields and trail is None:
        raise invalid("nothing to replace")
    new = replace(
        old, **fields, id=ledger.identity(), client_order_id=name, submitted=ledger.stamp(),
        status="accepted" if old.status == "accepted" else "pending_new", replaces=old.id, legs=[], updated=0,
    )  # fmt: skip
    if trail is not None:
        if old.kind != "trailing_stop" or not trail > 0.0:
            raise invalid("trail must be > 0, of a trailing_stop order")
        new.trail_price, new.trail_percent = (trail, 0.0) if old.trail_price else (0.0, trail)
        new.trail()
    return new


def _prices(old: Order, asked: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name in ("limit", "stop"):
        price = decimal(asked, f"{name}_price")
        if price is not None:
            if not getattr(old, name) or old.kind == "trailing_stop":
                raise invalid(f"{old.kind} orders have no {name}_price to replace")
            fields[name] = ticks_of(price, f"{name}_price", old.steps)
    return fields


def _size(old: Order, asked: Mapping[str, Any]) -> dict[str, Any]:
    units = decimal(asked, "qty")
    if units is None:
        return {}
    lots = lots_of(units, old.steps, old.symbol)
    if lots <= old.filled or old.notional or (old.status == "held" and lots != old.lots):
        raise unprocessable("qty must be > filled_qty, of an order in qty that is not held")
    return {"lots": lots}
