"""Signals: scores from -1 to 1."""

from quantlib.catalog.entry import Entry
from quantlib.signals.classic import cross_event, crossover, reversion

SIGNALS = {
    "crossover": Entry(crossover, {}),
    "cross_event": Entry(cross_event, {}),
    "reversion": Entry(reversion, {}),
}
