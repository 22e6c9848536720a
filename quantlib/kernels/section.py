"""One timestamp across the universe: where it ends, its values in order, and where among them one stands.

A kernel of `scope="cross"` owns no room to sort in, so the records of the symbols lend theirs: record k of a section
holds its k-th value in field `key` and the row that it came from in field `row`.  What was lent is given back as zeros,
so that nothing of it is remembered.  A section has no more rows than there are symbols: the door of bars sees to that,
and rows beyond are left out of the section.
"""

from math import floor

from quantlib.jit import block, kernel

ROOM = [("key", "f8"), ("row", "i8")]  # fields of a record that lends room


@block
def section_end(ts, first):
    """The row after the last one of the timestamp that begins at row `first`."""
    end = first + 1
    while end < ts.size and ts[end] == ts[first]:
        end += 1
    return end


@block
def put(room, size, key, row):
    """Put a value and its row beside the `size` that are there; the new size."""
    if size >= room.size:
        return size
    room[size].key = key
    room[size].row = row
    return size + 1


@kernel
def arranged(room, size):
    """Sort the first `size` by key, those of one key by row (heapsort: no room, and never slow)."""
    start = size // 2
    end = size
    while end > 1:
        if start > 0:
            start -= 1
        else:
            end -= 1
            _swap(room, 0, end)
        parent = start
        while 2 * parent + 1 < end:
            child = 2 * parent + 1
            if child + 1 < end and _before(room, child, child + 1):
                child += 1
            if not _before(room, parent, child):
                break
            _swap(room, parent, child)
            parent = child


@block
def _before(room, a, b):
    return room[a].key < room[b].key or (room[a].key == room[b].key and room[a].row < room[b].row)


@block
def _swap(room, a, b):
    key, row = room[a].key, room[a].row
    room[a].key, room[a].row = room[b].key, room[b].row
    room[b].key, room[b].row = key, row


@kernel
def below(room, size, x):
    """How many of the sorted keys are below x."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        if room[middle].key < x:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def up_to(room, size, x):
    """How many of the sorted keys are at most x."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        if room[middle].key <= x:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def standing(room, size, x):
    """Mean percentile rank of x among the sorted keys: (below + half of the equal) / all; 0.5 among none."""
    return 0.5 * (below(room, size, x) + up_to(room, size, x)) / size if size > 0 else 0.5


@kernel
def ranked(room, size, out):
    """Write the mean percentile rank of each of the sorted keys to the row that it came from."""
    begin = 0
    while begin < size:
        end = begin + 1
        while end < size and room[end].key == room[begin].key:
            end += 1
        for k in range(begin, end):
            out[room[k].row] = 0.5 * (begin + end) / size
        begin = end


@kernel
def quantile(room, size, share):
    """The quantile of the sorted keys, at least one, on the line between neighbours (Hyndman and Fan's type 7)."""
    place = (size - 1) * share
    k = int(floor(place))
    if k + 1 >= size:
        return room[size - 1].key
    return room[k].key + (place - k) * (room[k + 1].key - room[k].key)


@kernel
def give_back(room, size):
    """Nothing is left of the section."""
    for k in range(size):
        room[k].key = 0.0
        room[k].row = 0
