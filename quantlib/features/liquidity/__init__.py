"""What trading costs, told from bars."""
