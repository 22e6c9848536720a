"""How fast the price moves."""
