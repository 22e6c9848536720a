"""The sums of many numbers a row over one window, all at once.

Each row brings `width` numbers.  They lie side by side, so that one loop without branches steps all sums together and
the machine takes several of them in one instruction.  Each is carried in two numbers (`exact.carried`), and summed anew
where these cannot hold it; cut sums (`kernels.sliding`) would need a unit for each of them, and a look at each unit.

How a kernel uses it (the fields of its record are made by `table(n, width)`):

    m.new[0], m.new[1], … = …
    slide_all(m.terms, m.new, m.total, m.rest, m.sums, m.ring, m.parts, seen, p.n)
    seen += 1
"""

from math import isnan

from quantlib.jit import block, kernel
from quantlib.kernels.exact import carried, ring_sum
from quantlib.kernels.ring import window


def table(n: int, width: int) -> list[tuple[str, str, int]]:
    """Fields of a record: the last n rows of `width` numbers each, their sums, and room to work in."""
    ring, parts = window(n, "ring")
    sums = [(name, "f8", width) for name in ("new", "total", "rest", "sums")]
    return [("terms", "f8", ring[2] * width), *sums, ring, parts]


@block
def slide_all(terms, new, total, rest, sums, ring, parts, seen, n):
    """Put the numbers `new` into a table that holds `seen` rows, and the sums of the last n rows into `sums`."""
    width = new.size
    first = ((seen - n) & (ring.size - 1)) * width
    place = (seen & (ring.size - 1)) * width
    lost = False
    for k in range(width):
        high, low = carried(total[k], rest[k], new[k], terms[first + k])
        terms[place + k] = new[k]
        total[k] = high
        rest[k] = low
        sums[k] = high + low
        lost |= isnan(low)
    if lost:
        _anew(terms, total, rest, sums, ring, parts, seen + 1, n)


@kernel
def _anew(terms, total, rest, sums, ring, parts, seen, n):
    width = sums.size
    for k in range(width):
        if isnan(sums[k]):
            for j in range(seen - n, seen):
                at = j & (ring.size - 1)
                ring[at] = terms[at * width + k]
            sums[k], _, rest[k] = ring_sum(ring, parts, seen, n)
            total[k] = sums[k]
