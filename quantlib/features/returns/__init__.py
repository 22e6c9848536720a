"""Returns, and what they remember."""
