"""What trading costs, from bars."""

from quantlib.catalog.entry import Entry
from quantlib.features.liquidity.bar_spreads import amihud, corwin_schultz, roll_spread
from quantlib.features.liquidity.edge import edge

LIQUIDITY: dict[str, Entry] = {
    "amihud": Entry(amihud, {"n": 7}),
    "roll_spread": Entry(roll_spread, {"n": 7}),
    "corwin_schultz": Entry(corwin_schultz, {"n": 7}),
    "edge": Entry(edge, {"n": 7}),
}
