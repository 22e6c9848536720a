"""Where in the day, the week and the calendar of events."""

from quantlib.catalog.entry import Entry

CALENDAR: dict[str, Entry] = {}
