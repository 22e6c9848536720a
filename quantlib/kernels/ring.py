"""Room to remember: rings of few different lengths, and nothing at all."""

import numpy as np

SMALLEST, STEP = 64, 8  # 64, 512, 4096 … values: a ring's length is part of the compiled type, so few lengths occur
NOTHING = np.zeros((), [("nothing", "u1")])  # the memory of a feature that needs none


def window(n: int, *names: str) -> list[tuple[str, str, int]]:
    """Fields of a record: rings that hold n values each, and `parts`, in which `ring_sum` works."""
    size = SMALLEST
    while size < n + 3:
        size *= STEP
    return [(name, "f8", size) for name in (*names, "parts")]
