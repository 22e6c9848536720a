"""What stands out in a histogram that lies in a ring: bin k at place k modulo its length, zeros around what is filled.

The ring is longer than lowest to highest filled bin by at least the reach of a node on both sides.

Source: J. F. Dalton, E. T. Jones, R. B. Dalton, Mind over Markets, 1990, appendix 1; Chicago Board of Trade, A Six-Part
Study Guide to Market Profile, 1996, part I (value area, two rows at a time from the row of most volume).
"""

from quantlib.jit import block, kernel


@kernel
def occupied(volumes, first, last):
    """(lowest, highest) bin from first to last that holds anything; (0, -1) if none does."""
    mask = volumes.size - 1
    while first <= last and volumes[first & mask] == 0.0:
        first += 1
    while last >= first and volumes[last & mask] == 0.0:
        last -= 1
    return (first, last) if first <= last else (0, -1)


@kernel
def peak(volumes, first, last):
    """The fullest bin from first to last, the lowest of equals."""
    mask = volumes.size - 1
    top = first
    for k in range(first + 1, last + 1):
        if volumes[k & mask] > volumes[top & mask]:
            top = k
    return top


@kernel
def filled(volumes, first, last):
    """What the bins from first to last hold together."""
    total = 0.0
    for k in range(first, last + 1):
        total += volumes[k & (volumes.size - 1)]
    return total


@block
def value_area(volumes, lowest, highest, top, wanted, step):
    """(first, last) bin around the fullest that hold what is wanted.

    It grows by one or two bins (`step`) to the side on which these hold more, up where they hold the same.
    """
    mask = volumes.size - 1
    first = last = top
    inside = volumes[top & mask]
    above, below = _beyond(volumes, last, step), _beyond(volumes, first, -step)
    while inside < wanted and (first > lowest or last < highest):
        if last < highest and (above >= below or first == lowest):
            inside += above
            last = min(last + step, highest)
            above = _beyond(volumes, last, step)
        else:
            inside += below
            first = max(first - step, lowest)
            below = _beyond(volumes, first, -step)
    return first, last


@block
def _beyond(volumes, k, step):
    """What the next one or two bins on a side hold; `step` is 1, 2, -1 or -2."""
    mask = volumes.size - 1
    far = volumes[(k + step) & mask]
    return far + volumes[(k + step // 2) & mask] if step == 2 or step == -2 else far


@block
def nearest_node(volumes, k, lowest, highest, reach):
    """The bin nearest to k, the lower of two, that holds something and no less than `reach` bins on each side.

    There is one: the fullest.  k is from lowest to highest.
    """
    away = 0
    while True:
        if k - away >= lowest and _node(volumes, k - away, reach):
            return k - away
        if k + away <= highest and _node(volumes, k + away, reach):
            return k + away
        away += 1


@block
def nearest_valley(volumes, k, lowest, highest, reach):
    """The bin nearest to k, the lower of two, that holds no more than `reach` bins on each side.

    There is one: next to the lowest filled bin and to the highest lies one that holds nothing.
    """
    away = 0
    while True:
        if k - away >= lowest - 1 and _valley(volumes, k - away, reach):
            return k - away
        if k + away <= highest + 1 and _valley(volumes, k + away, reach):
            return k + away
        away += 1


@kernel
def _node(volumes, k, reach):
    mask = volumes.size - 1
    here = volumes[k & mask]
    j = 1
    while j <= reach and volumes[(k - j) & mask] <= here and volumes[(k + j) & mask] <= here:
        j += 1
    return j > reach and here > 0.0


@kernel
def _valley(volumes, k, reach):
    mask = volumes.size - 1
    here = volumes[k & mask]
    j = 1
    while j <= reach and volumes[(k - j) & mask] >= here and volumes[(k + j) & mask] >= here:
        j += 1
    return j > reach
