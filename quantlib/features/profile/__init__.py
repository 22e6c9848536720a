"""At which prices volume traded."""
