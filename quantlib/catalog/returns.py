"""Returns, ratios and where the price stands against its past."""

from quantlib.catalog.entry import Entry

RETURNS: dict[str, Entry] = {}
