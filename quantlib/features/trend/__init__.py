"""Where the price has been, and where it is going."""
