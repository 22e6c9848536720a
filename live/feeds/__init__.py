"""Feeds: where market data comes from while it happens, and how its messages become rows to decide on."""
