"""Rows in blocks: where rows of one symbol follow each other, a loop does one step for all of them before the next.

A row that waits for the sum before it keeps most of a processor waiting.  So a kernel may take up to 64 rows at once:
what needs only the values themselves is done side by side, then the sums run along the rows, then what needs only the
sums is side by side again.  Each number is made by the same operations as if the rows came alone, so no bit of it
depends on where a block begins.

    if not alone(symbol, i):
        work = scratch()                                # planes of 64 numbers, on the stack: not remembered
        count = steady(symbol, i, limit, value, value)  # complete rows of one symbol from i on, at most `limit`
        for j in range(ZERO, count):
            work[plane(5) + j] = ...
        i += settled(out, i, count, seen, n)            # NaN in the rows before the n-th
"""

from __future__ import annotations

from functools import cached_property
from math import isnan, nan
from typing import Any

import numpy as np

from quantlib.jit import block

BLOCK = 64  # rows in a block
PLANES = 8  # numbers that can be kept for each of them
SIDE_BY_SIDE = 8  # rows from which on it pays to look at all at once
ZERO, ONE = np.uint64(0), np.uint64(1)  # places are unsigned: an index that cannot be negative costs no check


class Scratch:
    """What kernels call as `scratch()`: an array of PLANES x BLOCK float64 that lives until the loop returns."""

    __qualname__ = f"scratch {PLANES} x {BLOCK}, on the stack"  # what fingerprints of kernels know it by

    @cached_property
    def _numba_type_(self) -> Any:
        from numba import types
        from numba.core.typing.templates import make_intrinsic_template

        def typed(typing: Any) -> Any:
            return types.Array(types.float64, 1, "C")(), _on_stack

        return types.Function(make_intrinsic_template(self, typed, "scratch"))


def _on_stack(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    from llvmlite import ir

    number, size = ir.DoubleType(), ir.IntType(64)
    with builder.goto_entry_block():
        room = builder.alloca(ir.ArrayType(number, PLANES * BLOCK))
    room.align = 64
    array = context.make_array(signature.return_type)(context, builder)
    context.populate_array(
        array,
        data=builder.bitcast(room, number.as_pointer()),
        shape=[size(PLANES * BLOCK)],
        strides=[size(8)],
        itemsize=size(8),
        meminfo=None,
    )
    return array._getvalue()


scratch = Scratch()


@block
def plane(k):
    """Where the k-th plane of a scratch array begins."""
    return np.uint64(k * BLOCK)


@block
def alone(symbol, i):
    """Whether the row after this one is of another symbol, or there is none: then a block is not worth its while."""
    return i + ONE == np.uint64(symbol.size) or symbol[i + ONE] != symbol[i]


@block
def steady(symbol, first, limit, x, y):
    """How many rows from `first` on, at most `limit` and a block, have its symbol and miss neither x nor y."""
    end = min(np.uint64(x.size) - first, np.uint64(min(limit, BLOCK)))
    code = symbol[first]
    if end >= SIDE_BY_SIDE and symbol[first + end - ONE] == code:
        others = 0
        for j in range(first, first + end):
            both = x[j] + y[j]
            others += (symbol[j] != code) | (both != both)
        if others == 0:
            return end
    last = first
    while last < first + end and symbol[last] == code and not isnan(x[last] + y[last]):
        last += ONE
    return last - first


@block
def settled(column, first, count, seen, n):
    """How many rows are done once a block of `count` is: NaN stands where fewer than n had come, or one is missing.

    `seen` is how many have come by the block's end; a block of none is the one row at `first`, which is missing.
    """
    if count == ZERO:
        column[first] = nan
        return ONE
    early = n - 1 - (seen - np.int64(count))
    for j in range(ZERO, np.uint64(max(0, min(early, np.int64(count))))):
        column[first + j] = nan
    return count
