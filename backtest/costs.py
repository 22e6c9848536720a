"""What trading costs and how long it takes: the parameters of the simulated exchange."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Costs(NamedTuple):
    """Commission, slippage, borrow, latency and depth.  All zero: a perfect market.

    Commission of a fill = max(minimum, per_share * units + rate * notional) + per_order on an order's first fill.
    Slippage of a market or stop fill = spread / 2 * price + range_share * (high - low), against us and rounded to the
    tick against us; limit fills have none.  Borrow = rate * short value * days / 365, charged as days pass.
    """

    per_share: float = 0.0  # quote currency per unit
    per_order: float = 0.0  # quote currency, once an order
    minimum: float = 0.0  # quote currency, the least a fill pays
    rate: float = 0.0  # fraction of notional: 1e-4 is one basis point
    spread: float = 0.0  # quoted spread, fraction of price
    range_share: float = 0.0  # fraction of the bar's high - low lost: slippage that grows with volatility
    borrow: float = 0.0  # annual rate on short value
    participation: float = 0.0  # largest share of a bar's volume that we may be, per symbol; 0: no bound
    latency: int = 0  # nanoseconds from our decision to the exchange, for orders, cancels and replacements
    latency_bars: int = 0  # bars of the symbol that an order lets pass first
    through_ticks: int = 0  # ticks the market must trade beyond a limit before it fills; 0: a touch fills


def cost_record(costs: Costs) -> NDArray[Any]:
    """The costs as one flat record array of length 1.

    Raises:
        ValueError: if one is negative or not a number.
    """
    values = []
    for name, value, default in zip(costs._fields, costs, Costs(), strict=True):
        if not isinstance(value, (int, float)) or not (value >= 0 and value < np.inf):
            raise ValueError(f"costs: {name} must be 0 or more, got {value}")
        if isinstance(default, int) and value != int(value):
            raise ValueError(f"costs: {name} must be a whole number, got {value}")
        values.append(type(default)(value))
    return np.array([tuple(values)], RECORD)


RECORD = np.dtype([(n, "f8" if isinstance(v, float) else "i8") for n, v in zip(Costs._fields, Costs(), strict=True)])
