"""What rests in the book, is hidden in it, faked in it, or gone."""
