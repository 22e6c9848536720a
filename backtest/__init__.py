"""The event-driven backtest: the same compiled desk, talking to a simulated exchange.

result = backtest.run(strategy, bars, costs=Costs(rate=1e-4))
result.metrics; result.fills; result.tearsheet("tearsheet.html")
"""

from backtest.costs import Costs
from backtest.report.tearsheet import tearsheet
from backtest.result import Result
from backtest.run import BacktestError, run
from backtest.sweep import sweep

__all__ = ["BacktestError", "Costs", "Result", "run", "sweep", "tearsheet"]
