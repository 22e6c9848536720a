"""What a live bar costs: one row, or the bars of 500 symbols at one moment, through features of a Stream."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

from benchmarks.row import Row, row
from benchmarks.rows_desk import walk
from benchmarks.timing import Scale
from quantlib import Stream
from quantlib.core import Feature
from quantlib.features import atr, bollinger, ema, macd, rank, realised_volatility, rsi, sma, zscore_vwap
from quantlib.sets import named
from quantlib.signals import crossover, reversion
from quantlib.table import Table

WARM = 200  # moments before the clock runs: longer than every window


def dozen() -> tuple[Feature, ...]:
    """Twelve features of bars."""
    return (
        sma(10, out="fast"), sma(30, out="slow"), ema(), macd(), rsi(), atr(), bollinger(), zscore_vwap(),
        realised_volatility(), rank(), crossover(out="trend"), reversion(out="dip"),
    )  # fmt: skip


def sixty() -> tuple[Feature, ...]:
    """The sixty bar features of the named set."""
    return named("classic_60").features


def one_row(name: str, features: tuple[Feature, ...], scale: Scale) -> Row:
    """Seconds of `Stream.push` of one bar as a dict."""
    table = walk(WARM + scale.pushes * scale.repeat)
    rows = [dict(one, symbol="S00") for one in _dicts(table)]
    stream = Stream(features, table.symbols)
    for one in rows[:WARM]:
        stream.push(one)
    runs = []
    for k in range(scale.repeat):
        begin = WARM + k * scale.pushes
        begun = perf_counter()
        for one in rows[begin : begin + scale.pushes]:
            stream.push(one)
        runs.append((perf_counter() - begun) / scale.pushes)
    return row(name, "s", runs, f"{len(features)} features, mean of {scale.pushes:,} pushes a run")


def one_moment(name: str, features: tuple[Feature, ...], symbols: int, scale: Scale) -> Row:
    """Seconds of `Stream.push` of all symbols' bars of one moment, as arrays with symbol codes."""
    count = max(1, scale.pushes // 10)
    table = walk(WARM + count * scale.repeat, symbols)
    moments = [{n: c[k : k + symbols] for n, c in table.columns.items()} for k in range(0, table.rows, symbols)]
    stream = Stream(features, table.symbols)
    for one in moments[:WARM]:
        stream.push(one)
    runs = []
    for k in range(scale.repeat):
        begun = perf_counter()
        for one in moments[WARM + k * count : WARM + (k + 1) * count]:
            stream.push(one)
        runs.append((perf_counter() - begun) / count)
    return row(name, "s", runs, f"{symbols} symbols, {len(features)} features, mean of {count:,} pushes a run")


def _dicts(table: Table) -> list[dict[str, Any]]:
    names = [n for n in table.columns if n != "symbol"]
    columns = [table.columns[n].tolist() for n in names]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


BENCHES: dict[str, Callable[[Scale], Row]] = {
    "live.row": lambda scale: one_row("live.row", dozen(), scale),
    "live.500": lambda scale: one_moment("live.500", dozen(), 500, scale),
    "live.60": lambda scale: one_row("live.60", sixty(), scale),
    "live.60.500": lambda scale: one_moment("live.60.500", sixty(), 500, scale),
}
