"""What trading costs, from bars."""

from quantlib.catalog.entry import Entry

LIQUIDITY: dict[str, Entry] = {}
