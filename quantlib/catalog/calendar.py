"""Where in the day, the week and the calendar of events."""

from quantlib.catalog.entry import Entry
from quantlib.features.calendar.sessions import (
    day_of_week,
    days_until,
    distance_to_event,
    minute_of_session,
    time_to_close,
)

CALENDAR: dict[str, Entry] = {
    "minute_of_session": Entry(minute_of_session, {}),
    "time_to_close": Entry(time_to_close, {}),
    "day_of_week": Entry(day_of_week, {}),
    "distance_to_event": Entry(distance_to_event, {"dates": ("2023-11-15", "2023-11-14"), "at": "17:30"}),
    "days_until": Entry(days_until, {}),
}
