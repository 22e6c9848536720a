"""Feature sets: named, versioned, and verified wherever they are met again."""

from quantlib.sets.feature_set import FeatureSet, SetError
from quantlib.sets.named import SETS, classic_60, microstructure, named, of_catalog

__all__ = ["SETS", "FeatureSet", "SetError", "classic_60", "microstructure", "named", "of_catalog"]
