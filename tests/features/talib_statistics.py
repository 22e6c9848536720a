"""TA-Lib's columns and ours: statistics."""

from quantlib.features.relation import beta, correl
from quantlib.features.statistics import rolling_sum, stddev, var

STATISTICS = {
    "STDDEV_20_ddof0": (stddev(20), "stddev"),
    "VAR_20_ddof0": (var(20), "var"),
    "SUM_20": (rolling_sum(20), "rolling_sum"),
    "CORREL_60": (correl(60), "correl"),
    "BETA_60": (beta(60, price="other", market="close"), "beta"),
}
