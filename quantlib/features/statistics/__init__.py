"""Statistics of a window."""
