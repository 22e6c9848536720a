"""The same columns by polars' rolling expressions, as one writes them, and by our features: one core, one symbol."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from benchmarks.row import Row, row
from benchmarks.rows_features import geometric, missing_from
from benchmarks.rows_peers import WrongResult
from benchmarks.rows_processes import printed
from benchmarks.timing import Scale

AGREE = 1e-6  # of the last row: rolling sums of polars drift, and recursions begin elsewhere
C, H, L, V = pl.col("close"), pl.col("high"), pl.col("low"), pl.col("volume")
Expressions = list[pl.Expr]


class Job(NamedTuple):
    """A feature with its parameters, and the expressions that give its columns in their order."""

    feature: str
    ours: dict[str, Any]
    expressions: Expressions


def _wilder(x: pl.Expr, n: int) -> pl.Expr:
    return x.ewm_mean(alpha=1.0 / n, adjust=False)


def _ewm(x: pl.Expr, n: int) -> pl.Expr:
    return x.ewm_mean(span=n, adjust=False)


def _rsi(n: int) -> Expressions:
    gain = C.diff().fill_null(0.0)
    up, down = _wilder(gain.clip(lower_bound=0.0), n), _wilder((-gain).clip(lower_bound=0.0), n)
    return [100.0 * up / (up + down)]


def _true_range() -> pl.Expr:
    before = C.shift(1)
    return pl.max_horizontal(H, before) - pl.min_horizontal(L, before)


def _macd() -> Expressions:
    line = _ewm(C, 12) - _ewm(C, 26)
    return [line, _ewm(line, 9), line - _ewm(line, 9)]


def _bands(n: int) -> Expressions:
    middle, wide = C.rolling_mean(n), 2.0 * C.rolling_std(n, ddof=0)
    return [middle + wide, middle, middle - wide]


def _percent_k(n: int) -> pl.Expr:
    low = L.rolling_min(n)
    return 100.0 * (C - low) / (H.rolling_max(n) - low)


def _stochastic() -> Expressions:
    k = _percent_k(14).rolling_mean(3)
    return [k, k.rolling_mean(3)]


def _parkinson(n: int) -> Expressions:
    square = (H / L).log() ** 2
    return [(square.rolling_mean(n) / (4.0 * np.log(2.0))).sqrt()]


JOBS = (
    Job("sma", {"n": 20}, [C.rolling_mean(20)]),
    Job("rolling_sum", {"n": 20}, [C.rolling_sum(20)]),
    Job("rolling_max", {"n": 20}, [C.rolling_max(20)]),
    Job("rolling_min", {"n": 20}, [C.rolling_min(20)]),
    Job("stddev", {"n": 20}, [C.rolling_std(20, ddof=0)]),
    Job("var", {"n": 20}, [C.rolling_var(20, ddof=0)]),
    Job("zscore", {"n": 20}, [(C - C.rolling_mean(20)) / C.rolling_std(20, ddof=0)]),
    Job("bollinger", {"n": 20}, _bands(20)),
    Job("donchian", {"n": 20}, [H.rolling_max(20), (H.rolling_max(20) + L.rolling_min(20)) / 2.0, L.rolling_min(20)]),
    Job("median", {"n": 20}, [C.rolling_median(20)]),
    Job("skew", {"n": 20}, [C.rolling_skew(20, bias=False)]),
    Job("kurtosis", {"n": 20}, [C.rolling_kurtosis(20, bias=False)]),
    Job("correl", {"n": 60, "value": "close", "other": "open"}, [pl.rolling_corr("close", "open", window_size=60)]),
    Job("ema", {"n": 20}, [_ewm(C, 20)]),
    Job("macd", {}, _macd()),
    Job("rsi", {"n": 14}, _rsi(14)),
    Job("atr", {"n": 14}, [_wilder(_true_range(), 14)]),
    Job("williams_r", {"n": 14}, [_percent_k(14) - 100.0]),
    Job("stochastic", {}, _stochastic()),
    Job("vwma", {"n": 20}, [(C * V).rolling_sum(20) / V.rolling_sum(20)]),
    Job("realised_volatility", {"n": 20}, [((C / C.shift(1)).log() ** 2).rolling_mean(20).sqrt()]),
    Job("parkinson", {"n": 20}, _parkinson(20)),
    Job("volume_zscore", {"n": 20}, [(V - V.rolling_mean(20)) / V.rolling_std(20, ddof=0)]),
)


def polars(name: str, scale: Scale) -> Row:
    """The geometric mean of our time over that of polars' expressions, in turns, in a process with one core."""
    sizes = (scale.rows, scale.rounds, scale.repeat)
    said = json.loads(printed(["-m", "benchmarks.polars_turns", *map(str, sizes)], POLARS_MAX_THREADS="1"))
    ratios: dict[str, float] = {}
    for job in JOBS:
        one = said[job.feature]
        _agree(job.feature, one["our_last"], one["their_last"])
        ratios[job.feature] = median(one["ours"]) / median(one["theirs"])
    worst = ", ".join(f"{job} {ratios[job]:.2f}" for job in sorted(ratios, key=lambda job: -ratios[job])[:4])
    made = row(name, "1", list(ratios.values()), f"{len(JOBS)} features; slowest beside it: {worst}")
    mean = geometric(list(ratios.values()))
    return made._replace(value=mean, peer="polars", peer_value=1.0, ratio=mean)


def _agree(feature: str, ours: Sequence[float], theirs: Sequence[float]) -> None:
    """Refuse to compare the times of different numbers."""
    if missing_from(ours, theirs, AGREE):
        raise WrongResult(f"features.polars: {feature} ends at {ours}, polars says {theirs}")


BENCHES: dict[str, Callable[[Scale], Row]] = {"features.polars": partial(polars, "features.polars")}
