"""Many backtests of one idea: every combination of a grid, features that combinations share computed once."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import product
from typing import Any

import polars as pl
from numpy.typing import NDArray

from backtest.costs import Costs
from backtest.result import Result
from backtest.run import run
from quantlib.core import Columns, Feature, advance, inputs_of, rungs, start, typed
from quantlib.desk.memory import Instrument
from quantlib.strategy import Strategy, verify
from quantlib.table import Table, bars

BUDGET = 1 << 29  # bytes of shared columns to hold at most; beyond it combinations compute their own
Key = tuple[Any, ...]


def measured(result: Result) -> dict[str, float]:
    """What a sweep reports of each backtest unless told otherwise: all metrics that are numbers."""
    return result.metrics.numbers()


def sweep(
    make: Callable[..., Strategy],
    grid: Mapping[str, Sequence[Any]],
    rows: Any,
    *,
    cash: float = 1_000_000.0,
    costs: Costs | None = None,
    instruments: Instrument | Mapping[str, Instrument] | None = None,
    measure: Callable[[Result], Mapping[str, float]] = measured,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pl.DataFrame:
    """Backtest `make(**combination)` for every combination of the grid.

    Args:
        make: parameters -> strategy; a preset, say.
        grid: parameter -> values; the last parameter varies fastest.
        rows: a Table of bars, or whatever `quantlib.bars` takes.
        cash, costs, instruments: as for `run`.
        measure: what to report of each result.
        workers: threads (compiled loops run in parallel); None takes one per core.
        progress: told (backtests done, backtests in all) after each.

    Returns:
        One row per combination: its parameters, then what `measure` said.

    Raises:
        ValueError: if the grid is empty.
        What `run` raises, for any combination.
    """
    if not grid or any(len(values) == 0 for values in grid.values()):
        raise ValueError(f"sweep: every parameter of the grid needs at least one value, got {dict(grid)}")
    table = rows if isinstance(rows, Table) else bars(rows)
    combinations = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    strategies = [make(**combination) for combination in combinations]
    for strategy in strategies:
        verify(strategy, tuple(table.columns))
    shared = _shared(strategies, table)

    def one(strategy: Strategy) -> Mapping[str, float]:
        result = run(*_joined(strategy, table, shared), cash=cash, costs=costs, instruments=instruments)
        return measure(replace(result, strategy=strategy))

    found: list[Mapping[str, float]] = []
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        for numbers in pool.map(one, strategies):
            found.append(numbers)
            if progress:
                progress(len(found), len(strategies))
    return pl.DataFrame([combination | dict(numbers) for combination, numbers in zip(combinations, found, strict=True)])


def _keys(features: Sequence[Feature]) -> list[Key]:
    """What each feature computes, spelled by its loop, parameters and where its inputs come from, not by its names."""
    source: dict[str, Key] = {}
    keys = []
    for f in features:
        inputs = tuple(source.get(one, ("row", one)) for name in f.inputs for one in rungs(name))
        key = (id(f.kernel), tuple(typed(f.params)), f.blank.tobytes(), f.blank.dtype.str, inputs)
        source |= {name: (key, place) for place, name in enumerate(f.outputs)}
        keys.append(key)
    return keys


def _shared(strategies: Sequence[Strategy], table: Table) -> dict[Key, list[NDArray[Any]]]:
    """Columns of the features that more than one strategy computes, if they fit the budget."""
    uses = Counter(key for s in strategies for key in _keys(s.features))
    wanted = {key for key, count in uses.items() if count > 1}
    outputs = {key: len(f.outputs) for s in strategies for key, f in zip(_keys(s.features), s.features, strict=True)}
    if sum(outputs[key] for key in wanted) * table.rows * 8 > BUDGET:
        return {}
    shared: dict[Key, list[NDArray[Any]]] = {}
    for strategy in strategies:
        columns: Columns = dict(table.columns)
        for feature, key in zip(strategy.features, _keys(strategy.features), strict=True):
            if key not in wanted or any(name not in columns for name in inputs_of([feature])):
                continue
            if key not in shared:
                written = advance([feature], start([feature], table.symbols), columns)
                shared[key] = [written[name] for name in feature.outputs]
            columns |= dict(zip(feature.outputs, shared[key], strict=True))
    return shared


def _joined(strategy: Strategy, table: Table, shared: dict[Key, list[NDArray[Any]]]) -> tuple[Strategy, Table]:
    """The strategy without its shared features, and the table with their columns."""
    own, columns = [], dict(table.columns)
    for feature, key in zip(strategy.features, _keys(strategy.features), strict=True):
        if key in shared:
            columns |= dict(zip(feature.outputs, shared[key], strict=True))
        else:
            own.append(feature)
    return strategy._replace(features=tuple(own)), replace(table, columns=columns)
