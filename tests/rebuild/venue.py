"""A venue made up: its true books by message, the rows it sends, and two ways to lose or delay some."""

from typing import NamedTuple

import numpy as np

from quantlib.rebuild import diffs, orders

KINDS = {**diffs.COLUMNS, **orders.COLUMNS}
LEVELS = 3


class Tape(NamedTuple):
    """Columns of events, and the true book after each message by its id (diffs) or row (orders)."""

    events: dict[str, np.ndarray]
    truth: dict[int, list[float]]


def columns(rows, names):
    """Rows of tuples as the columns of `names`."""
    made = {n: np.array([r[k] for r in rows], KINDS[n]) for k, n in enumerate(names)}
    return made | {"ts": np.arange(len(rows)), "ts_event": np.arange(len(rows))}


def top(bids, asks, levels=LEVELS):
    """What a book of these sizes by price shows: bid_k, bid_size_k, ask_k, ask_size_k from best to worst."""
    shown = []
    for side, best_first in ((bids, True), (asks, False)):
        best = [*sorted(((p, s) for p, s in side.items() if s > 0), reverse=best_first)[:levels]]
        best += [(np.nan, np.nan)] * (levels - len(best))
        shown += [[p for p, _ in best], [s for _, s in best]]
    return [value for column in shown for value in column]


def written(built, levels=LEVELS):
    """The books built, in the order of `top`."""
    names = [f"{stem}_{k}" for stem in ("bid", "bid_size", "ask", "ask_size") for k in range(levels)]
    return np.array([built.books[n] for n in names]).T


DIFF = ("symbol", "first_id", "last_id", "prev_id", "snapshot", "side", "price", "size", "last")


def diff_messages(random, messages, previous):
    """Messages of diffs with ids that have holes; `previous` says whether they name the id before theirs."""
    bids, asks = {}, {}
    sent, truth, books, last_id = [], {}, {}, 10
    for _ in range(messages):
        changes = []
        for _ in range(random.integers(0, 5)):
            side = int(random.choice([1, -1]))
            price = float(random.integers(1, 12) if side > 0 else random.integers(12, 24))
            size = float(random.integers(0, 3))
            (bids if side > 0 else asks)[price] = size
            changes.append((side, price, size))
        before = last_id
        first_id = last_id + 1 + (int(random.integers(0, 3)) if previous else 0)
        last_id = first_id + int(random.integers(0, 4))
        sent.append((first_id, last_id, before if previous else -1, changes or [(0, 1.0, 0.0)]))
        truth[last_id], books[last_id] = top(bids, asks), (dict(bids), dict(asks))
    return sent, truth, books


def diff_rows(message, code=0):
    """The rows of one message."""
    first_id, last_id, prev_id, changes = message
    ids = (code, first_id, last_id, prev_id, 0)
    return [(*ids, *change, k == len(changes) - 1) for k, change in enumerate(changes)]


def snapshot_rows(last_id, book, code=0):
    """The rows of a snapshot of that id."""
    levels = [(1, p, s) for p, s in book[0].items() if s] + [(-1, p, s) for p, s in book[1].items() if s]
    levels = levels or [(0, 1.0, 0.0)]
    ids = (code, last_id, last_id, -1, 1)
    return [(*ids, *level, k == len(levels) - 1) for k, level in enumerate(levels)]


ORDER = ("symbol", "order", "action", "side", "price", "size", "last")


def order_tape(random, rows):
    """Orders that live and die, now and then two rows to a message; the truth by the message's last row."""
    alive, made, truth = {}, [], {}
    while len(made) < rows:
        if not alive or random.random() < 0.5:
            side = int(random.choice([1, -1]))
            price = float(random.integers(1, 8) if side > 0 else random.integers(8, 16))
            order, size = int(random.integers(-(2**62), 2**62)), float(random.integers(1, 50)) / 10
            alive[order] = (side, price, size)
            row = (0, order, orders.ADD, side, price, size)
        else:
            order = list(alive)[random.integers(len(alive))]
            side, price, size = alive[order]
            action = int(random.choice([orders.SET, orders.REDUCE, orders.REMOVE, orders.DO_NOTHING]))
            if action == orders.SET:
                price += float(random.integers(-1, 2))
                size = float(random.integers(0, 50)) / 10
                row = (0, order, action, side, price, size)
            elif action == orders.REDUCE:
                less = round(float(random.choice([size, size / 2])), 1)
                row, size = (0, order, action, side, np.nan, less), round(size - less, 1)
            else:
                row = (0, order, action, 0, np.nan, np.nan)
                size = 0.0 if action == orders.REMOVE else size
            alive[order] = (side, price, size)
            if size == 0.0:
                del alive[order]
        last = random.random() < 0.8
        made.append((*row, last))
        if last:
            sides = {1: {}, -1: {}}
            for side, price, size in alive.values():
                sides[side][price] = round(sides[side].get(price, 0.0) + size, 1)
            truth[len(made) - 1] = top(sides[1], sides[-1])
    return Tape(columns(made, ORDER), truth)
