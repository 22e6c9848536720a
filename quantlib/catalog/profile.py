"""At which prices volume traded."""

from quantlib.catalog.entry import Entry

PROFILE: dict[str, Entry] = {}
