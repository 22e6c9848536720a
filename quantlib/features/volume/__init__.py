"""Price and volume together."""
