"""How evenly the last n symbols spread over their alphabet: entropy from counts, at a cost that grows with neither.

The entropy of counts c out of n is log n - sum(c log c) / n.  Each c log c is taken to a whole number of 2^-36, so that
the sum is one of whole numbers: exact, whatever came before.

How a kernel uses it (`codes` and `counts` are rings of whole numbers in its record, `total` a field of zero):

    total = count(codes, counts, total, seen, p.n, code)
    seen += 1
    … = entropy(total, p.n) if seen >= p.n
"""

from math import log

from quantlib.jit import block

UNIT = 2.0**36  # n log n must stay below 2^26, which it does for any n of two million


@block
def weight(count):
    """c log c in units of 2^-36, rounded to a whole one."""
    return int(count * log(count) * UNIT + 0.5) if count > 1 else 0


@block
def count(codes, counts, total, seen, n, code):
    """The sum of all c log c after `code` joins the window and the one n before it leaves."""
    place = (seen - n) & (codes.size - 1)
    gone = codes[place] if seen >= n else -1
    codes[seen & (codes.size - 1)] = code
    if gone == code:
        return total
    if gone >= 0:
        total += weight(counts[gone] - 1) - weight(counts[gone])
        counts[gone] -= 1
    total += weight(counts[code] + 1) - weight(counts[code])
    counts[code] += 1
    return total


@block
def entropy(total, n):
    """Shannon entropy of n symbols in nats: 0 if all are alike."""
    return (weight(n) - total) / (UNIT * n)
