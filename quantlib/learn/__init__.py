"""From features to what a model learns, and when it should learn anew."""
