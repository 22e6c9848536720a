"""Experiments: choosing parameters without fooling oneself."""

from experiments.holdout import Holdout, holdout

__all__ = ["Holdout", "holdout"]
