"""Where a symbol stands among the others."""
