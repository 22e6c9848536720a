"""Volatility of returns and of ranges."""
