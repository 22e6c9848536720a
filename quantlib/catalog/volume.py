"""Price and volume together."""

from quantlib.catalog.entry import Entry
from quantlib.features.volume.accumulation import ad, adosc, cmf, obv
from quantlib.features.volume.relative_volume import relative_volume, volume_zscore
from quantlib.features.volume.vwap import typical_price, vwap
from quantlib.features.volume.zscore_vwap import zscore_vwap

VOLUME = {
    "obv": Entry(obv, {}),
    "ad": Entry(ad, {}),
    "adosc": Entry(adosc, {"fast": 2, "slow": 4}),
    "cmf": Entry(cmf, {"n": 7}),
    "relative_volume": Entry(relative_volume, {"n": 7}),
    "volume_zscore": Entry(volume_zscore, {"n": 7}),
    "typical_price": Entry(typical_price, {}),
    "vwap": Entry(vwap, {}),
    "zscore_vwap": Entry(zscore_vwap, {"n": 7}),
}
