"""TA-Lib's columns and ours: volume."""

from quantlib.features.volume.accumulation import ad, adosc, cmf, obv
from quantlib.features.volume.relative_volume import relative_volume
from quantlib.features.volume.vwap import vwap

VOLUME = {
    "OBV": (obv(), "obv"),
    "AD": (ad(), "ad"),
    "ADOSC_3_10": (adosc(3, 10), "adosc"),
    "CMF_20": (cmf(20), "cmf"),
    "VWAP": (vwap(), "vwap"),
    "RVOL": (relative_volume(20), "relative_volume"),
}

# Where a window stands still the reference holds what its running sums left of zero; ours is zero.
REST = {"CMF_20": 1e-14}
