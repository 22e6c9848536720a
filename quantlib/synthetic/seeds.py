"""Random numbers from a seed: the same seed gives the same bits, and each stream is free of the others."""

from __future__ import annotations

import numpy as np


def stream(who: str, seed: int, number: int) -> np.random.Generator:
    """The numbered stream of a seed.

    Raises:
        ValueError: if the seed is no whole number of at least 0; the message begins with `who`.
    """
    if not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"{who}: seed must be a whole number of at least 0, got {seed!r}")
    return np.random.default_rng([int(seed), number])
