"""Where in the day, the week and the calendar of events."""
