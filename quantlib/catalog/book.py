"""What rests in the book."""

from quantlib.catalog.entry import Entry
from quantlib.features.book import depth_change, imbalance

BOOK = {
    "imbalance": Entry(imbalance, {"levels": 3}),
    "depth_change": Entry(depth_change, {"levels": 3}),
}
