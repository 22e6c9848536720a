"""How far the price swings."""
