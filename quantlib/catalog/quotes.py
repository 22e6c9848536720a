"""What is offered at the touch."""

from quantlib.catalog.entry import Entry
from quantlib.features.quotes import microprice, spread

QUOTES = {
    "spread": Entry(spread, {}),
    "microprice": Entry(microprice, {}),
}
