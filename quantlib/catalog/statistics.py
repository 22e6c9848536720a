"""Statistics of a window."""

from quantlib.catalog.entry import Entry

STATISTICS: dict[str, Entry] = {}
