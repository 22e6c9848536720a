"""Signals: features whose output is a score in [-1, 1]."""

from quantlib.signals.classic import cross_event, crossover, reversion

__all__ = ["cross_event", "crossover", "reversion"]
