"""Volatility of returns."""

from quantlib.catalog.entry import Entry
from quantlib.features.volatility.range_volatility import garman_klass, parkinson, rogers_satchell, yang_zhang
from quantlib.features.volatility.return_volatility import annual_volatility, ewma_volatility, realised_volatility

VOLATILITY = {
    "realised_volatility": Entry(realised_volatility, {"n": 7}),
    "ewma_volatility": Entry(ewma_volatility, {"decay": 0.5}),
    "annual_volatility": Entry(annual_volatility, {}),
    "parkinson": Entry(parkinson, {"n": 7}),
    "garman_klass": Entry(garman_klass, {"n": 7}),
    "rogers_satchell": Entry(rogers_satchell, {"n": 7}),
    "yang_zhang": Entry(yang_zhang, {"n": 7}),
}
