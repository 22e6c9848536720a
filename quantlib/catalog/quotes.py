"""What is offered at the touch."""

from quantlib.catalog.entry import Entry
from quantlib.features.quotes import microprice, spread
from quantlib.features.spreads import spread_zscore
from quantlib.features.stoikov import stoikov_microprice

QUOTES = {
    "spread": Entry(spread, {}),
    "spread_zscore": Entry(spread_zscore, {"n": 7}),
    "microprice": Entry(microprice, {}),
    "stoikov_microprice": Entry(stoikov_microprice, {}),
}
