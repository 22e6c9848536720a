"""Who trades."""

from quantlib.catalog.entry import Entry
from quantlib.features.flow import cvd, taker_ratio

FLOW = {
    "cvd": Entry(cvd, {}),
    "taker_ratio": Entry(taker_ratio, {"n": 7}),
}
