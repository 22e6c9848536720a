"""Books rebuilt from what a venue sends: L2 diffs and snapshots (`diffs`), L3 orders (`orders`)."""

from quantlib.rebuild import diffs, orders
from quantlib.rebuild.built import Built, RebuildError
from quantlib.rebuild.frames import books, events

__all__ = ["Built", "RebuildError", "books", "diffs", "events", "orders"]
