"""Features, signals and trading decisions as resumable loops over columns."""
