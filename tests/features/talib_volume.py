"""TA-Lib's columns and ours: volume."""

VOLUME = {}
