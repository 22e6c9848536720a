"""Volatility, levels and hedge ratios by fitted models."""
