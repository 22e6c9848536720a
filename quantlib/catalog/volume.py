"""Price and volume together."""

from quantlib.catalog.entry import Entry
from quantlib.features.volume import zscore_vwap

VOLUME = {
    "zscore_vwap": Entry(zscore_vwap, {"n": 7}),
}
