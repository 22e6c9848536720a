"""Made-up markets that look like markets, with the truth of what was planted into them."""

from quantlib.synthetic.markets import Market, market
from quantlib.synthetic.ohlcv import bars
from quantlib.synthetic.plants import NOTHING_PLANTED, Plants

__all__ = ["NOTHING_PLANTED", "Market", "Plants", "bars", "market"]
