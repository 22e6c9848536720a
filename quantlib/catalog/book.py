"""What rests in the book, and what is done with it."""

from quantlib.catalog.entry import Entry
from quantlib.features.book.depth import depth_change, imbalance
from quantlib.features.book.iceberg import hidden_liquidity
from quantlib.features.book.l2 import l2_delta
from quantlib.features.book.ofi import ofi, ofi_levels
from quantlib.features.book.spoofing import spoofing
from quantlib.features.book.vacuum import vacuum
from quantlib.features.flow.taker_totals import taker_totals

BOOK = {
    "imbalance": Entry(imbalance, {"levels": 3}),
    "depth_change": Entry(depth_change, {"levels": 3}),
    "l2_delta": Entry(l2_delta, {"near": 1, "middle": 2, "far": 4, "n": 9, "threshold": 2.0}),
    "ofi": Entry(ofi, {"n": 7}),
    "ofi_levels": Entry(ofi_levels, {"levels": 3, "n": 7}),
    "taker_totals": Entry(taker_totals, {}),
    "hidden_liquidity": Entry(hidden_liquidity, {"n": 7, "refills": 1, "multiple": 1.0}),
    "spoofing": Entry(spoofing, {"levels": 4, "n": 7, "multiple": 1.5, "share": 0.5, "least": 0.0}),
    "vacuum": Entry(vacuum, {"near": 2, "levels": 4, "n": 7, "drop": 0.5, "back": 0.5, "rows": 6}),
}
