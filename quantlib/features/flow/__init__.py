"""Who trades, and how much."""
