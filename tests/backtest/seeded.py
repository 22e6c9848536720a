"""A made-up backtest of seeded random numbers: the frames that a real one brings, in the same columns."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from backtest.metrics import Metrics, metrics

LEGS = np.array(["exit", "stop", "target"])
FILLS: dict[str, Any] = {
    "ts": pl.Datetime("ns", "UTC"),
    "symbol": pl.String,
    "order": pl.Int64,
    "side": pl.String,
    "quantity": pl.Float64,
    "price": pl.Float64,
    "fee": pl.Float64,
    "slippage": pl.Float64,
    "leg": pl.String,
    "realised": pl.Float64,
    "position": pl.Float64,
}


@dataclass(frozen=True)
class Seeded:
    equity: pl.DataFrame
    fills: pl.DataFrame
    orders: pl.DataFrame
    refusals: pl.DataFrame
    metrics: Metrics
    config: Mapping[str, object]
    title: str
    symbols: tuple[str, ...]


def fills_of(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    """Fills from (symbol, signed quantity, price, fee), one per day, positions added up."""
    held: dict[str, float] = {}
    out = []
    for i, (symbol, signed, price, fee) in enumerate(rows):
        held[symbol] = held.get(symbol, 0.0) + signed
        ts = (19_000 + i) * 86_400_000_000_000
        side = "buy" if signed > 0 else "sell"
        out.append((ts, symbol, i, side, float(abs(signed)), float(price), float(fee), 0.0, "exit", 0.0, held[symbol]))
    return pl.DataFrame(out, FILLS, orient="row")


def seeded(years: float = 20, symbols: tuple[str, ...] = ("SPX", "NDX"), seed: int = 7, title: str = "") -> Seeded:
    """A strategy that is in and out of two markets, told as if it had been run."""
    rng = np.random.default_rng(seed)
    days = np.arange("1999-01-04", "2040-01-01", dtype="M8[D]")
    days = days[np.is_busday(days)][: max(int(years * 252), 1)]
    ts = days.astype("M8[ns]").astype(np.int64) + 21 * 3_600_000_000_000
    calm = np.clip(0.006 * np.exp(np.cumsum(rng.normal(0, 0.04, days.size))), 0.004, 0.02)
    prices = {s: 1000.0 * np.exp(np.cumsum(rng.standard_t(4, days.size) * calm + 3e-4)) for s in symbols}
    cash, held, rows = np.full(days.size, 100_000.0), np.zeros((days.size, len(symbols))), []
    for k, s in enumerate(symbols):
        i = 5 + int(rng.integers(20))
        while i + 70 < days.size:
            j = i + int(rng.integers(3, 60))
            side, units = (1 if rng.random() < 0.8 else -1), float(rng.integers(8, 30))
            for at, signed, leg in ((i, side * units, "entry"), (j, -side * units, str(rng.choice(LEGS)))):
                slip = prices[s][at] * 2e-4
                paid = prices[s][at] + np.sign(signed) * slip
                fee = 1.0 + 0.00005 * units * paid
                cash[at:] -= signed * paid + fee
                after = signed if leg == "entry" else 0.0
                side_name = "buy" if signed > 0 else "sell"
                rows.append((int(ts[at]), s, 0, side_name, units, paid, fee, units * slip, leg, 0.0, after))
            held[i:j, k] = side * units
            i = j + int(rng.integers(2, 25))
    value = held * np.stack([prices[s] for s in symbols], 1)
    equity = pl.DataFrame({"ts": ts, "equity": cash + value.sum(1), "gross": np.abs(value).sum(1), "net": value.sum(1)})
    equity = equity.with_columns(
        pl.col("ts").cast(pl.Datetime("ns")).dt.replace_time_zone("UTC"), pl.col("gross", "net").cast(pl.Float32)
    )
    fills = pl.DataFrame(sorted(rows), FILLS, orient="row").with_columns(order=pl.int_range(pl.len()))
    reasons = ["position_limit", "daily_drawdown", "cooldown", "pause_after_losses"]
    refusals = pl.DataFrame({"reason": reasons, "count": [212, 48, 31, 7]})
    config = {"fast": 20, "slow": 100, "per_trade_risk": 0.004, "gross_limit": 1.0, "commission": "0.5 bp + 1.00"}
    judged = metrics(equity, fills, refusals, cash=100_000.0, carry=1234.5)
    named = title or "Trend with brackets"
    return Seeded(equity, fills, _orders(fills), refusals, judged, config, named, symbols)


def _orders(fills: pl.DataFrame) -> pl.DataFrame:
    kinds = {"entry": "market", "exit": "market", "stop": "stop", "target": "limit"}
    filled = fills.select(
        pl.col("order").alias("id"), "symbol", "side", pl.col("leg").replace_strict(kinds).alias("kind"), "quantity",
        pl.col("quantity").alias("filled"), pl.lit(None, pl.Float64).alias("limit"),
        pl.lit(None, pl.Float64).alias("stop"), pl.lit("gtc").alias("tif"), "leg",
        pl.lit(-1, pl.Int64).alias("parent"), pl.lit("filled").alias("status"), pl.col("ts").alias("placed"),
        pl.col("ts").alias("done"),
    )  # fmt: skip
    other = filled.filter(pl.col("leg").is_in(["stop", "target"])).with_columns(
        leg=pl.when(pl.col("leg") == "stop").then(pl.lit("target")).otherwise(pl.lit("stop")),
        kind=pl.when(pl.col("leg") == "stop").then(pl.lit("limit")).otherwise(pl.lit("stop")),
        status=pl.lit("cancelled"),
        filled=pl.lit(0.0),
    )
    return pl.concat([filled, other])
