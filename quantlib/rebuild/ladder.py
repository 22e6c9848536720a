"""One side of a book as a list sorted in place: keys ascend, the best is last, so news near the touch moves little.

A side is a row of four arrays: `key` (price for bids, -price for asks: larger is better on either side), `size`,
`mark` (what else belongs to a level) and `depth`, how many levels are in use.  Bids of symbol code c are row 2 c, its
asks row 2 c + 1.  Finding a level d places from the best takes 2 log2 d steps, putting one there moves d levels.
"""

from math import nan

import numpy as np

from quantlib.jit import block, kernel


@block
def side_row(code, side):
    """The row of a symbol's bids (side 1) or asks (side -1)."""
    return 2 * code + (0 if side > 0 else 1)


@kernel
def place(key, row, depth, wanted):
    """Where a key is or belongs: the first place whose key is not below it.  Steps double from the best, then halve."""
    high, low, step = depth, depth - 1, 1
    while low >= 0 and key[row, low] >= wanted:
        high = low
        low -= step
        step *= 2
    low = max(low, -1)
    while low + 1 < high:
        middle = (low + high) >> 1
        if key[row, middle] < wanted:
            low = middle
        else:
            high = middle
    return high


@kernel
def _up(values, row, k, depth):
    """Move places k … depth - 1 one up.  Indices are unsigned, so that none is looked at twice."""
    r, end, one = np.uint64(row), np.uint64(depth), np.uint64(1)
    for moved in range(np.uint64(depth - k)):
        values[r, end - moved] = values[r, end - moved - one]


@kernel
def _down(values, row, k, depth):
    """Move places k + 1 … depth - 1 one down."""
    r, first, one = np.uint64(row), np.uint64(k), np.uint64(1)
    for moved in range(np.uint64(depth - k - 1)):
        values[r, first + moved] = values[r, first + moved + one]


@kernel
def insert(key, size, mark, depth, row, k, new_key, new_size, new_mark):
    """Put a level at place k.  The caller has seen that there is room."""
    _up(key, row, k, depth[row])
    _up(size, row, k, depth[row])
    _up(mark, row, k, depth[row])
    key[row, k], size[row, k], mark[row, k] = new_key, new_size, new_mark
    depth[row] += 1


@kernel
def remove(key, size, mark, depth, row, k):
    """Take the level at place k away."""
    _down(key, row, k, depth[row])
    _down(size, row, k, depth[row])
    _down(mark, row, k, depth[row])
    depth[row] -= 1


@kernel
def keep(key, size, mark, depth, row, after, empty):
    """Keep the levels whose mark is above `after`, and of these the empty ones only if `empty`."""
    kept = 0
    for j in range(depth[row]):
        if mark[row, j] > after and (empty or size[row, j] > 0.0):
            key[row, kept], size[row, kept], mark[row, kept] = key[row, j], size[row, j], mark[row, j]
            kept += 1
    depth[row] = kept


@kernel
def write(key, size, depth, code, levels, units, out, n):
    """Column n of `out`: bid_0 … bid_N, their sizes, ask_0 … ask_N, their sizes; NaN beyond what there is."""
    for s in range(2):
        row = 2 * code + s
        sign = 1.0 if s == 0 else -1.0
        prices, sizes = 2 * s * levels, (2 * s + 1) * levels
        last = depth[row] - 1
        for k in range(levels):
            if k <= last:
                out[prices + k, n] = sign * key[row, last - k]
                out[sizes + k, n] = size[row, last - k] / units
            else:
                out[prices + k, n] = nan
                out[sizes + k, n] = nan


@kernel
def is_crossed(key, depth, code):
    """Whether the best bid is not below the best ask."""
    bids, asks = depth[2 * code], depth[2 * code + 1]
    return bids > 0 and asks > 0 and key[2 * code, bids - 1] >= -key[2 * code + 1, asks - 1]
