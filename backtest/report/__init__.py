"""What a result looks like: figures, and the tear sheet that holds them."""
