"""Statistics of a window."""

from quantlib.catalog.entry import Entry
from quantlib.features.ranges.channels import rolling_max, rolling_min
from quantlib.features.statistics.moments import rolling_sum, stddev, var, zscore
from quantlib.features.statistics.quantiles import median, percentile, percentrank
from quantlib.features.statistics.relation import beta, correl
from quantlib.features.statistics.shape import kurtosis, skew

STATISTICS: dict[str, Entry] = {
    "rolling_max": Entry(rolling_max, {"n": 7}),
    "rolling_min": Entry(rolling_min, {"n": 7}),
    "rolling_sum": Entry(rolling_sum, {"n": 7}),
    "var": Entry(var, {"n": 7}),
    "stddev": Entry(stddev, {"n": 7, "ddof": 1}),
    "zscore": Entry(zscore, {"n": 7}),
    "skew": Entry(skew, {"n": 7}),
    "kurtosis": Entry(kurtosis, {"n": 7}),
    "correl": Entry(correl, {"n": 7}),
    "beta": Entry(beta, {"n": 7}),
    "percentile": Entry(percentile, {"n": 7, "percent": 30.0}),
    "median": Entry(median, {"n": 7}),
    "percentrank": Entry(percentrank, {"n": 7}),
}
