"""What is offered at the touch."""

from quantlib.catalog.entry import Entry
from quantlib.features.quotes.spreads import spread_zscore
from quantlib.features.quotes.stoikov import stoikov_microprice
from quantlib.features.quotes.touch import microprice, spread

QUOTES = {
    "spread": Entry(spread, {}),
    "spread_zscore": Entry(spread_zscore, {"n": 7}),
    "microprice": Entry(microprice, {}),
    "stoikov_microprice": Entry(stoikov_microprice, {}),
}
