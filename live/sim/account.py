"""The account: cash, positions and what was executed, in the order of operations in which the desk books them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Any, NamedTuple

from live.errors import Denied
from live.fees import tier
from live.sim.fees import Fee, fee_of
from live.sim.order import Order, Steps
from live.sim.wire import SECOND, asset_class, asset_id, instant, instant_of, name_of, number, quantity
from quantlib.desk.messages import BUY

LEVERAGE = 2  # buying power over equity
MAINTENANCE = 0.3  # of a position's value
CREATED = 1_704_207_600 * SECOND
PAGE = 100  # activities of one answer
FLAGS = {
    "fractional_trading": True, "max_margin_multiplier": "2", "no_shorting": False, "suspend_trade": False,
    "trade_confirm_email": "none", "ptp_no_exception_entry": False, "max_options_trading_level": None,
}  # fmt: skip


@dataclass(slots=True)
class Holding:
    """A position in whole lots, signed, and what is beyond them; its average price, the last, and the day before's."""

    symbol: str
    steps: Steps
    lots: int = 0
    average: float = 0.0
    mark: float = float("nan")
    before: float = float("nan")
    dust: Decimal = Decimal(0)  # units, less than a lot

    @property
    def value(self) -> float:
        """Signed, in quote currency."""
        whole = self.lots * self.steps.unit * self.mark if self.lots else 0.0
        return whole + float(self.dust) * self.mark if self.dust else whole

    @property
    def units(self) -> float:
        """Signed, dust included."""
        return self.lots * self.steps.unit + float(self.dust)

    @property
    def quantity(self) -> str:
        """Units as the wire spells them."""
        if not self.dust:
            return quantity(self.lots, self.steps.lot)
        return format((self.lots * Decimal(repr(self.steps.lot)) + self.dust).normalize(), "f")

    def lose(self, coins: Decimal) -> None:
        """Coins go; a negative number of them comes back."""
        lot = Decimal(repr(self.steps.lot))
        whole = int(((self.dust - coins) / lot).to_integral_value(ROUND_FLOOR))
        self.lots, self.dust = self.lots + whole, self.dust - coins - whole * lot

    def take(self, side: int, lots: int, price: float) -> None:
        """Average cost: what opens averages in, what closes leaves the average, what turns takes the new price."""
        signed = side * lots
        before, self.lots = self.lots, self.lots + signed
        if before == 0 or (before > 0) == (signed > 0):
            self.average = (self.average * abs(before) + price * lots) / abs(self.lots)
        elif abs(signed) > abs(before):
            self.average = price
        elif self.lots == 0:
            self.average = 0.0
        if self.mark != self.mark:
            self.mark = price


class Execution(NamedTuple):
    """One fill, as activities show it."""

    id: str
    ts: int
    order: Order
    side: int
    lots: int
    price: float
    cumulative: int
    left: int
    status: str
    charge: Fee | None = None  # of crypto


@dataclass(slots=True)
class Account:
    """Money, positions, executions and the curve of equity."""

    cash: float
    holdings: list[Holding]
    number: str
    last_equity: float = 0.0
    day: int = 0  # of the last rows
    flags: dict[str, Any] = field(default_factory=lambda: dict(FLAGS))
    executions: list[Execution] = field(default_factory=list)
    curve: list[tuple[int, float]] = field(default_factory=list)  # ns UTC, equity
    tier: int = 0  # of crypto fees; 0: none are taken
    fees: list[Fee] = field(default_factory=list)  # of crypto

    @property
    def equity(self) -> float:
        """Cash and positions at their last prices."""
        return self.cash + sum(holding.value for holding in self.holdings)

    def fill(self, order: Order, ts: int, lots: int, price: float, fee: float) -> Execution:
        """Book an execution of an order."""
        holding = self.holdings[order.code]
        holding.take(order.side, lots, price)
        self.cash -= order.side * (lots * holding.steps.unit * price)
        self.cash -= fee
        order.fill(lots, price, ts)
        charge = self._charge(order, ts, lots, price)
        when = datetime.fromtimestamp(ts // SECOND, UTC)
        place = f"{when:%Y%m%d%H%M%S}{ts % SECOND // 1_000_000:03d}"
        one = Execution(
            f"{place}::{name_of(order.id, len(self.executions))}", ts, order, order.side, lots, price, order.filled,
            order.lots - order.filled, "fill" if order.status == "filled" else "partial_fill", charge,
        )  # fmt: skip
        self.executions.append(one)
        return one

    def _charge(self, order: Order, ts: int, lots: int, price: float) -> Fee | None:
        """Take the fee of a fill in crypto."""
        if not self.tier or asset_class(order.symbol) != "crypto":
            return None
        fee = fee_of(order, ts, lots, price, tier(self.tier))
        self.holdings[order.code].lose(fee.coins)
        self.cash -= fee.dollars
        self.fees.append(fee)
        return fee

    def undo(self, one: Execution) -> None:
        """An execution is broken: its money and its position go back, its order's filled quantity too."""
        holding, order = self.holdings[one.order.code], one.order
        holding.take(-one.side, one.lots, one.price)
        self.cash += one.side * (one.lots * holding.steps.unit * one.price)
        order.filled -= one.lots
        self.executions.remove(one)
        if one.charge is not None:
            self.fees.remove(one.charge)
            holding.lose(-one.charge.coins)
            self.cash += one.charge.dollars

    def begin(self, day: int) -> None:
        """A new day begins with the equity and the prices of the one before; the same day again is nothing new."""
        if day != self.day:
            self.last_equity, self.day = self.equity, day
            for holding in self.holdings:
                holding.before = holding.mark

    def marked(self, ts: int, closes: Mapping[int, float]) -> None:
        """Value positions at these prices."""
        for code, close in closes.items():
            self.holdings[code].mark = close
        self.curve.append((ts, self.equity))

    def json(self, ts: int, reserved: float) -> dict[str, Any]:
        """GET /account; `reserved` is what open orders may still cost."""
        equity = self.equity
        long = sum(h.value for h in self.holdings if h.lots > 0)
        short = sum(h.value for h in self.holdings if h.lots < 0)
        gross, room = long - short, number(self.buying_power(reserved))
        return {
            "id": name_of("account", self.number), "account_number": self.number, "status": "ACTIVE",
            "crypto_status": "ACTIVE", "crypto_tier": self.tier or None, "currency": "USD", "buying_power": room,
            "regt_buying_power": room,
            "non_marginable_buying_power": number(max(0.0, equity - gross - reserved)), "cash": number(self.cash),
            "accrued_fees": "0", "portfolio_value": number(equity), "equity": number(equity),
            "last_equity": number(self.last_equity), "long_market_value": number(long),
            "short_market_value": number(short), "initial_margin": number(gross / LEVERAGE),
            "maintenance_margin": number(gross * MAINTENANCE), "last_maintenance_margin": "0", "sma": "0",
            "multiplier": str(LEVERAGE), "shorting_enabled": not self.flags["no_shorting"], "trading_blocked": False,
            "transfers_blocked": False, "account_blocked": False,
            "trade_suspended_by_user": bool(self.flags["suspend_trade"]), "created_at": instant(CREATED),
            "balance_asof": f"{datetime.fromtimestamp(ts // SECOND, UTC):%Y-%m-%d}",
            "options_buying_power": number(max(0.0, equity - gross - reserved)), "options_approved_level": 3,
            "options_trading_level": 3,
        }  # fmt: skip

    def buying_power(self, reserved: float) -> float:
        """What may still be bought or sold short."""
        gross = sum(abs(holding.value) for holding in self.holdings)
        return max(0.0, LEVERAGE * self.equity - gross - reserved)

    def position(self, code: int, held: int) -> dict[str, Any]:
        """One position; `held` lots of it are promised to open orders."""
        h = self.holdings[code]
        cost, value = h.units * h.average, h.value
        before = h.before if h.before == h.before else h.average
        today = h.units * (h.mark - before)
        free = max(0, abs(h.lots) - held) * (1 if h.lots > 0 else -1)
        return {
            "asset_id": asset_id(h.symbol), "symbol": h.symbol.replace("/", ""),
            "exchange": "CRYPTO" if "/" in h.symbol else "NASDAQ", "asset_class": asset_class(h.symbol),
            "asset_marginable": "/" not in h.symbol, "qty": h.quantity,
            "qty_available": quantity(free, h.steps.lot), "avg_entry_price": number(h.average),
            "side": "long" if h.units > 0 else "short", "market_value": number(value), "cost_basis": number(cost),
            "unrealized_pl": number(value - cost),
            "unrealized_plpc": number((value - cost) / abs(cost) if cost else 0.0),
            "unrealized_intraday_pl": number(today),
            "unrealized_intraday_plpc": number(today / abs(h.units * before) if before else 0.0),
            "current_price": number(h.mark), "lastday_price": number(before),
            "change_today": number(h.mark / before - 1.0 if before else 0.0),
        }  # fmt: skip

    def activities(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        """GET /account/activities/FILL: a page of executions, from after `page_token` on.

        Raises:
            Denied: 422 if the query makes no sense.
        """
        after = instant_of(query["after"], "after") if "after" in query else None
        until = instant_of(query["until"], "until") if "until" in query else None
        size = query.get("page_size", str(PAGE))
        if not size.isdigit() or not 0 < int(size) <= PAGE:
            raise Denied(422, 40010001, f"page_size must be 1 to {PAGE}, got {size}")
        chosen = [e for e in self.executions if (after is None or e.ts > after) and (until is None or e.ts < until)]
        if query.get("direction", "desc") != "asc":
            chosen.reverse()
        if token := query.get("page_token"):
            places = [place for place, one in enumerate(chosen) if one.id == token]
            if not places:
                raise Denied(422, 40010001, f"page_token {token} is no activity")
            chosen = chosen[places[0] + 1 :]
        return [_activity(one) for one in chosen[: int(size)]]

    def history(self, base: float) -> dict[str, Any]:
        """GET /account/portfolio/history: the curve, a point for each timestamp."""
        equity = [value for _, value in self.curve]
        return {
            "timestamp": [ts // SECOND for ts, _ in self.curve], "equity": equity,
            "profit_loss": [value - base for value in equity],
            "profit_loss_pct": [value / base - 1.0 for value in equity], "base_value": base, "timeframe": "1Min",
            "cashflow": {},
        }  # fmt: skip


def opened(symbols: Sequence[str], steps: Mapping[str, Steps], cash: float, seed: int, crypto_tier: int = 0) -> Account:
    """An account with nothing but cash."""
    holdings = [Holding(symbol, steps[symbol]) for symbol in symbols]
    number = f"PA{name_of('number', seed)[:10].replace('-', '').upper()}"
    return Account(cash, holdings, number, last_equity=cash, tier=crypto_tier)


def _activity(one: Execution) -> dict[str, Any]:
    order, lot = one.order, one.order.steps.lot
    return {
        "id": one.id, "activity_type": "FILL", "transaction_time": instant(one.ts), "type": one.status,
        "price": number(one.price), "qty": quantity(one.lots, lot), "side": "buy" if one.side == BUY else "sell",
        "symbol": order.symbol, "leaves_qty": quantity(one.left, lot), "order_id": order.id,
        "cum_qty": quantity(one.cumulative, lot),
        "order_status": "filled" if one.status == "fill" else "partially_filled",
    }  # fmt: skip
