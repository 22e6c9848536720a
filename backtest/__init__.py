"""The event-driven backtest: the same compiled desk, talking to a simulated exchange.

result = backtest.run(strategy, bars, costs=Costs(rate=1e-4))
result.metrics; result.fills; result.tearsheet("tearsheet.html")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backtest.costs import Costs
    from backtest.result import Result
    from backtest.run import BacktestError, run
    from backtest.sweep import sweep
    from backtest.tearsheet import tearsheet

HOMES = {
    "BacktestError": "run", "Costs": "costs", "Result": "result", "run": "run", "sweep": "sweep",
    "tearsheet": "tearsheet",
}  # fmt: skip
__all__ = ["BacktestError", "Costs", "Result", "run", "sweep", "tearsheet"]


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"backtest has no {name!r}; it has {', '.join(__all__)}")
    globals()[name] = value = getattr(import_module(f"backtest.{HOMES[name]}"), name)
    return value
