"""An order as the wire shows it: what was asked, and what has become of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from live.sim.wire import asset_class, asset_id, instant, number, quantity
from quantlib.desk.messages import BUY, LIMIT, MARKET, STOP, STOP_LIMIT
from quantlib.desk.orders import nearest_tick

ENDED = frozenset(("filled", "canceled", "expired", "replaced", "rejected"))
CHANGING = frozenset(("pending_cancel", "pending_replace"))
KINDS = {"market": MARKET, "limit": LIMIT, "stop": STOP, "stop_limit": STOP_LIMIT, "trailing_stop": STOP}


class Steps(NamedTuple):
    """How a symbol is counted: ticks per 1.0 of price, units in a lot, quote currency per lot and 1.0 of price."""

    per_tick: float
    lot: float
    unit: float


@dataclass(slots=True)
class Order:
    """One order; quantities are whole lots, prices whole ticks, instants ns UTC with 0 for never."""

    key: int  # its id in the exchange; a bracket's legs follow their entry: stop + 1, target + 2
    id: str
    client_order_id: str
    code: int
    symbol: str
    steps: Steps
    side: int
    kind: str
    tif: str
    order_class: str
    intent: str
    lots: int
    submitted: int
    limit: int = 0
    stop: int = 0
    notional: float = 0.0
    trail_price: float = 0.0
    trail_percent: float = 0.0
    hwm: float = 0.0
    extended: bool = False
    status: str = "pending_new"
    filled: int = 0
    average: float = 0.0
    updated: int = 0
    filled_at: int = 0
    canceled_at: int = 0
    expired_at: int = 0
    failed_at: int = 0
    replaced_at: int = 0
    replaces: str = ""
    replaced_by: str = ""
    before: str = ""  # the status that a refused change goes back to
    legs: list[Order] = field(default_factory=list)
    parent: Order | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more becomes of it."""
        return self.status in ENDED

    @property
    def open_lots(self) -> int:
        """Lots that may still trade."""
        return 0 if self.ended else self.lots - self.filled

    @property
    def closes(self) -> bool:
        """Whether it can only reduce a position."""
        return self.intent.endswith("_to_close")

    @property
    def family(self) -> str:
        """The same for orders of which one cancels the others."""
        return self.parent.id if self.parent else self.id

    def price(self, ticks: int) -> float:
        """Ticks as a price."""
        return ticks / self.steps.per_tick

    def fill(self, lots: int, price: float, ts: int) -> None:
        """An execution; one price alone stays bit for bit the average."""
        if self.filled == 0 or price == self.average:
            self.average = price
        else:
            self.average = (self.average * self.filled + price * lots) / (self.filled + lots)
        self.filled += lots
        whole = self.filled >= self.lots
        if whole or self.status not in CHANGING:
            self.status = "filled" if whole else "partially_filled"
        else:
            self.before = "partially_filled"
        self.updated = ts
        self.filled_at = ts

    def follow(self, price: float) -> bool:
        """Let a trailing stop follow a price, if that is better than any it has seen; whether it was."""
        if self.hwm and (price - self.hwm) * -self.side <= 0.0:
            return False
        self.hwm = price
        self.trail()
        return True

    def trail(self) -> None:
        """Put a trailing stop where its distance wants it."""
        away = self.trail_price or self.hwm * self.trail_percent / 100.0
        self.stop = max(1, nearest_tick(self.hwm + self.side * away, self.steps.per_tick))

    def json(self, nested: bool = True) -> dict[str, Any]:
        """The order as REST and trade updates show it; `nested` with its legs."""
        lot = self.steps.lot
        return {
            "id": self.id, "client_order_id": self.client_order_id, "created_at": instant(self.submitted),
            "updated_at": instant(max(self.updated, self.submitted)), "submitted_at": instant(self.submitted),
            "filled_at": instant(self.filled_at) if self.status == "filled" else None,
            "expired_at": instant(self.expired_at), "expires_at": None, "canceled_at": instant(self.canceled_at),
            "failed_at": instant(self.failed_at), "replaced_at": instant(self.replaced_at),
            "replaced_by": self.replaced_by or None, "replaces": self.replaces or None,
            "asset_id": asset_id(self.symbol), "symbol": self.symbol, "asset_class": asset_class(self.symbol),
            "notional": number(self.notional) if self.notional else None,
            "qty": None if self.notional else quantity(self.lots, lot), "filled_qty": quantity(self.filled, lot),
            "filled_avg_price": number(self.average) if self.filled else None, "order_class": self.order_class,
            "order_type": self.kind, "type": self.kind, "side": "buy" if self.side == BUY else "sell",
            "position_intent": self.intent, "time_in_force": self.tif,
            "limit_price": number(self.price(self.limit)) if self.limit else None,
            "stop_price": number(self.price(self.stop)) if self.stop else None, "status": self.status,
            "extended_hours": self.extended,
            "legs": [leg.json() for leg in self.legs] if nested and self.legs else None,
            "trail_percent": number(self.trail_percent) if self.trail_percent else None,
            "trail_price": number(self.trail_price) if self.trail_price else None,
            "hwm": number(self.hwm) if self.hwm else None, "subtag": None, "source": None,
        }  # fmt: skip
