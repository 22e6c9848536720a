"""What a backtest found: columns as they were written, frames and numbers made of them when asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from backtest.costs import Costs
from backtest.engine import Record
from backtest.metrics import Curve, Metrics, metrics
from backtest.report.plots import equity_and_drawdown
from backtest.report.tearsheet import tearsheet
from backtest.trades import trades
from quantlib.desk.memory import DECISIONS, REASONS, Desk
from quantlib.desk.messages import LEGS, ORDER_KINDS, SIDES, STATUSES, TIFS
from quantlib.strategy import Strategy
from quantlib.table import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Result:
    """A finished backtest.

    strategy, table, costs, cash   what was run
    desk        the desk as the last row left it: account, positions, working orders
    curve       (timestamps,) equity after each timestamp, quote currency
    decision    (rows,) int8: what was decided on each row (`quantlib.desk.memory.DECISIONS`), minus a reason if refused
    """

    strategy: Strategy
    table: Table
    costs: Costs
    cash: float
    desk: Desk
    ts: NDArray[Any]
    curve: NDArray[Any]
    gross: NDArray[Any]
    net: NDArray[Any]
    decision: NDArray[Any]
    kept: Record

    @classmethod
    def of(cls, strategy: Strategy, table: Table, costs: Costs, cash: float, desk: Desk, kept: Record) -> Result:
        """The result of a run that has ended."""
        ts, groups = table.columns["ts"], kept.groups
        if groups < ts.size:
            ts = ts[np.append(ts[1:] != ts[:-1], True)]
        return cls(
            strategy, table, costs, cash, desk, ts, kept.equity[:groups], kept.gross[:groups], kept.net[:groups],
            kept.decision, kept,
        )  # fmt: skip

    @property
    def title(self) -> str:
        """How reports call it."""
        return self.strategy.name

    @property
    def symbols(self) -> tuple[str, ...]:
        """The names behind the symbol codes."""
        return self.table.symbols

    @cached_property
    def raw_fills(self) -> NDArray[Any]:
        """(fills,) records of `FILLED_ROW`: lots and symbol codes as the desk booked them."""
        return self.kept.all_fills()

    @cached_property
    def raw_orders(self) -> NDArray[Any]:
        """(orders,) records of `ORDER`, by id."""
        return self.kept.all_orders(self.desk)

    @cached_property
    def equity(self) -> pl.DataFrame:
        """ts, equity, gross and net exposure after each timestamp, quote currency."""
        return pl.DataFrame([
            _times("ts", self.ts), pl.Series("equity", self.curve), pl.Series("gross", self.gross),
            pl.Series("net", self.net),
        ])  # fmt: skip

    @cached_property
    def fills(self) -> pl.DataFrame:
        """Every fill: ts, symbol, order, side, quantity (units), price, fee, slippage, leg, realised, position."""
        f, lot = self.raw_fills, self._lots(self.raw_fills)
        return pl.DataFrame([
            _times("ts", f["ts"]), self._names(f), pl.Series("order", f["id"]), _words("side", f["side"], SIDES),
            pl.Series("quantity", f["lots"] * lot), pl.Series("price", f["price"]), pl.Series("fee", f["fee"]),
            pl.Series("slippage", f["slippage"]), _words("leg", f["leg"], LEGS), pl.Series("realised", f["realised"]),
            pl.Series("position", f["position"] * lot),
        ])  # fmt: skip

    @cached_property
    def orders(self) -> pl.DataFrame:
        """Every order with its end: what it asked, what was filled, status, when it was placed and when it ended."""
        o, lot = self.raw_orders, self._lots(self.raw_orders)
        tick = self.desk.instruments["per_tick"][o["symbol"]]
        done = np.where(o["done"] == 0, np.iinfo(np.int64).min, o["done"])
        return pl.DataFrame([
            pl.Series("id", o["id"]), self._names(o), _words("side", o["side"], SIDES),
            _words("kind", o["order"], ORDER_KINDS), pl.Series("quantity", o["lots"] * lot),
            pl.Series("filled", o["filled"] * lot), _price("limit", o["limit"], tick), _price("stop", o["stop"], tick),
            _words("tif", o["tif"], TIFS), _words("leg", o["leg"], LEGS),
            pl.Series("parent", np.maximum(o["group"], 0)),
            _words("status", o["status"], STATUSES), pl.Series("reason", [REASONS[r] for r in o["reason"]], pl.String),
            _times("placed", o["placed"]),
            pl.select(pl.when(pl.Series(o["done"] != 0)).then(_times("done", done))).to_series().alias("done"),
        ])  # fmt: skip

    @cached_property
    def decisions(self) -> pl.DataFrame:
        """Every row on which the desk did or refused something: ts, symbol, decision, and the reason of a refusal."""
        rows = np.flatnonzero(self.decision)
        code = self.decision[rows]
        return pl.DataFrame([
            _times("ts", self.table.columns["ts"][rows]),
            pl.Series("symbol", self.symbols, pl.Enum(self.symbols)).gather(self.table.columns["symbol"][rows]),
            pl.Series("decision", [DECISIONS[c] if c > 0 else "refused" for c in code], pl.String),
            pl.Series("reason", [REASONS[-c] if c < 0 else "" for c in code], pl.String),
        ])  # fmt: skip

    @cached_property
    def refusals(self) -> pl.DataFrame:
        """How often the desk refused, by reason; what the exchange rejected is among the orders."""
        counts = self.desk.account["refused"][0]
        found = [(REASONS[r], int(n)) for r, n in enumerate(counts) if n]
        return pl.DataFrame(found, schema={"reason": pl.String, "count": pl.Int64}, orient="row").sort(
            "count", "reason", descending=[True, False]
        )

    @cached_property
    def trades(self) -> pl.DataFrame:
        """Closed trades, each from flat to flat."""
        return trades(self.fills)

    @cached_property
    def metrics(self) -> Metrics:
        """All numbers, each by its sourced formula (`quantlib.stats`)."""
        carry = float(self.desk.account["carry"][0])
        curve = Curve(self.ts, self.curve, self.gross)
        return metrics(curve, self.fills, self.refusals, cash=self.cash, carry=carry)

    @property
    def config(self) -> dict[str, Any]:
        """What was set, as a tear sheet shows it."""
        policy = self.strategy.policy
        shown: dict[str, Any] = {"cash": self.cash}
        for name in ("", "sizing", "exits", "gates", "limits"):
            part = getattr(policy, name) if name else policy
            shown |= {f"{name}.{n}".strip("."): v for n, v in part._asdict().items() if not isinstance(v, tuple)}
        shown |= {f"costs.{n}": v for n, v in self.costs._asdict().items()}
        return shown

    def plot(self, benchmark: pl.DataFrame | None = None) -> Figure:
        """Equity with its drawdown below, beside a benchmark (ts, equity or close) if one is given."""
        return equity_and_drawdown(self.equity, benchmark)

    def tearsheet(self, path: str | Path) -> Path:
        """Write a self-contained HTML tear sheet; returns where."""
        return tearsheet(self, path)

    def __repr__(self) -> str:
        last = self.curve[-1] if self.curve.size else self.cash
        return f"Result({self.title}: {self.table.rows} rows, {len(self.raw_fills)} fills, equity {last:,.2f})"

    def _lots(self, records: NDArray[Any]) -> NDArray[Any]:
        return self.desk.instruments["lot"][records["symbol"]]

    def _names(self, records: NDArray[Any]) -> pl.Series:
        return pl.Series("symbol", self.symbols, pl.Enum(self.symbols)).gather(records["symbol"])


def _times(name: str, ns: NDArray[Any]) -> pl.Series:
    return pl.Series(name, np.ascontiguousarray(ns)).cast(pl.Datetime("ns", "UTC"))


def _words(name: str, codes: NDArray[Any], words: dict[int, str]) -> pl.Series:
    kinds = pl.Enum(list(words.values()))
    place = {code: i for i, code in enumerate(words)}
    index = np.array([place.get(c, 0) for c in range(-1, 9)], np.uint32)[np.asarray(codes, np.int64) + 1]
    return pl.Series(name, list(words.values()), kinds).gather(index)


def _price(name: str, ticks: NDArray[Any], per_tick: NDArray[Any]) -> pl.Series:
    return pl.Series(name, np.where(ticks == 0, np.nan, ticks / per_tick)).fill_nan(None)
