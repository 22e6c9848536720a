"""Room to remember: rings of few different lengths, and nothing at all."""

import numpy as np

SMALLEST, STEP = 64, 8  # 64, 512, 4096 … values: a ring's length is part of the compiled type, so few lengths occur
NOTHING = np.zeros((), [("nothing", "u1")])  # the memory of a feature that needs none


def ring_size(n: int) -> int:
    """Length of the ring that holds n values: a power of two, at least n."""
    size = SMALLEST
    while size < n:
        size *= STEP
    return size
