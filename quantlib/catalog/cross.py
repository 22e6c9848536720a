"""Where a symbol stands among the others."""

from quantlib.catalog.entry import Entry
from quantlib.features.cross import rank

CROSS = {
    "rank": Entry(rank, {}),
}
