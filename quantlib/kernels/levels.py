"""Sums over the levels of a book for many rows at once: a level's rows lie side by side, those of one row far apart.

So a loop over levels inside a loop over rows waits for memory at every step, and the other way round streams.  A kernel
cuts its rows into pieces that the nearest caches hold, sums a piece into columns (its own outputs serve, before it
writes them), then goes through the rows of the piece:

    for first in range(0, rows, PIECE):
        end = min(first + PIECE, rows)
        total(depth, sizes, 0, near, first, end)
        for i in range(first, end):
            … depth[i] …

Each row's sum is taken in the order of its levels, so where the pieces begin changes no bit.
"""

import numpy as np

from quantlib.jit import kernel

PIECE = 512  # rows at a time


@kernel
def total(sums, sizes, low, high, first, end):
    """Rows first to end - 1 of `sums` become the sums of `sizes` over levels low to high - 1."""
    begin, stop = np.uint64(first), np.uint64(end)
    for i in range(begin, stop):
        sums[i] = 0.0
    for k in range(np.uint64(low), np.uint64(high)):
        for i in range(begin, stop):
            sums[i] += sizes[k, i]


@kernel
def totals(sums, sizes, others, first, end):
    """Rows first to end - 1 of `sums` become the sums of both sides' sizes over all levels."""
    begin, stop = np.uint64(first), np.uint64(end)
    for i in range(begin, stop):
        sums[i] = 0.0
    for k in range(np.uint64(sizes.shape[0])):
        for i in range(begin, stop):
            sums[i] += sizes[k, i] + others[k, i]


@kernel
def largest(most, sizes, low, high, first, end):
    """Rows first to end - 1 of `most` become the largest of `sizes` over levels low to high - 1, or 0."""
    begin, stop = np.uint64(first), np.uint64(end)
    for i in range(begin, stop):
        most[i] = 0.0
    for k in range(np.uint64(low), np.uint64(high)):
        for i in range(begin, stop):
            most[i] = sizes[k, i] if sizes[k, i] > most[i] else most[i]


@kernel
def check(sums, bids, asks, bid_sizes, ask_sizes, first, end):
    """Rows first to end - 1 of `sums` become NaN where any price or size of any level is, other numbers elsewhere."""
    begin, stop = np.uint64(first), np.uint64(end)
    for i in range(begin, stop):
        sums[i] = 0.0
    for k in range(np.uint64(bids.shape[0])):
        for i in range(begin, stop):
            sums[i] += (bids[k, i] + asks[k, i]) + (bid_sizes[k, i] + ask_sizes[k, i])
