"""Returns, ratios and where the price stands against its past."""

from quantlib.catalog.entry import Entry
from quantlib.features.returns.changes import (
    log_price,
    log_return,
    price_ratio,
    price_to_mean,
    relative_strength,
    simple_return,
)
from quantlib.features.returns.dependence import autocorrelation
from quantlib.features.returns.drawdown import drawdown, rolling_drawdown
from quantlib.features.returns.entropy import permutation_entropy, sign_entropy
from quantlib.features.returns.fractional import fractional_difference
from quantlib.features.returns.gaps import gap, gap_fill
from quantlib.features.returns.hurst import hurst

RETURNS: dict[str, Entry] = {
    "simple_return": Entry(simple_return, {"n": 3}),
    "log_return": Entry(log_return, {"n": 3}),
    "log_price": Entry(log_price, {}),
    "price_ratio": Entry(price_ratio, {}),
    "price_to_mean": Entry(price_to_mean, {"n": 7}),
    "relative_strength": Entry(relative_strength, {"n": 7}),
    "gap": Entry(gap, {}),
    "gap_fill": Entry(gap_fill, {"n": 5}),
    "drawdown": Entry(drawdown, {}),
    "rolling_drawdown": Entry(rolling_drawdown, {"n": 7}),
    "fractional_difference": Entry(fractional_difference, {"threshold": 0.01}),
    "hurst": Entry(hurst, {"n": 7, "lags": 3}),
    "autocorrelation": Entry(autocorrelation, {"lag": 2, "n": 7}),
    "permutation_entropy": Entry(permutation_entropy, {"n": 7}),
    "sign_entropy": Entry(sign_entropy, {"n": 7}),
}
