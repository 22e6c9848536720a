"""Statistics of a window."""

from quantlib.catalog.entry import Entry
from quantlib.features.relation import beta, correl
from quantlib.features.shape import kurtosis, skew
from quantlib.features.statistics import rolling_sum, stddev, var, zscore

STATISTICS: dict[str, Entry] = {
    "rolling_sum": Entry(rolling_sum, {"n": 7}),
    "var": Entry(var, {"n": 7}),
    "stddev": Entry(stddev, {"n": 7, "ddof": 1}),
    "zscore": Entry(zscore, {"n": 7}),
    "skew": Entry(skew, {"n": 7}),
    "kurtosis": Entry(kurtosis, {"n": 7}),
    "correl": Entry(correl, {"n": 7}),
    "beta": Entry(beta, {"n": 7}),
}
