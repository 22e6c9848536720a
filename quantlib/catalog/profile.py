"""At which prices volume traded."""

from quantlib.catalog.entry import Entry
from quantlib.features.profile.rolling_profile import rolling_profile
from quantlib.features.profile.session_profile import volume_profile
from quantlib.features.profile.vwaps import anchored_vwap, rolling_vwap, session_vwap

MIDWAY = 1_700_000_000_000_000_000 + 150_000_000_000  # ns, in the middle of tapes

PROFILE = {
    "volume_profile": Entry(volume_profile, {"width": 0.02, "bins": 20, "length": 120.0, "offset": 7.0}),
    "rolling_profile": Entry(rolling_profile, {"n": 7, "width": 0.02, "bins": 20}),
    "session_vwap": Entry(session_vwap, {"length": 120.0, "offset": 7.0}),
    "anchored_vwap": Entry(anchored_vwap, {"anchor": MIDWAY}),
    "rolling_vwap": Entry(rolling_vwap, {"n": 7}),
}
