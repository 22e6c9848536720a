"""TA-Lib's columns and ours: statistics."""

STATISTICS = {}
