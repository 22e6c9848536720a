"""Scalar blocks that the loops of features are made of."""
