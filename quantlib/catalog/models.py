"""Volatility and levels by fitted models."""

from quantlib.catalog.entry import Entry

MODELS: dict[str, Entry] = {}
