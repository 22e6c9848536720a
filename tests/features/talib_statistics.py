"""TA-Lib's columns and ours: statistics."""

from quantlib.features.ranges.channels import rolling_max, rolling_min
from quantlib.features.statistics.moments import rolling_sum, stddev, var
from quantlib.features.statistics.quantiles import percentile, percentrank
from quantlib.features.statistics.relation import beta, correl

STATISTICS = {
    "STDDEV_20_ddof0": (stddev(20), "stddev"),
    "VAR_20_ddof0": (var(20), "var"),
    "MAX_20": (rolling_max(20), "rolling_max"),
    "MIN_20": (rolling_min(20), "rolling_min"),
    "SUM_20": (rolling_sum(20), "rolling_sum"),
    "CORREL_60": (correl(60), "correl"),
    "BETA_60": (beta(60, price="other", market="close"), "beta"),
    "PERCENTILE_60": (percentile(60, 50.0, method="nearest"), "percentile"),
    "PERCENTRANK_60": (percentrank(60), "percentrank"),
}
