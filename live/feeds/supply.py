"""Whether a feed can supply what a strategy's features run on."""

from __future__ import annotations

from live.errors import FeedError
from live.feeds.protocol import Feed
from quantlib.core import title
from quantlib.strategy import Strategy


def supplied(feed: Feed, strategy: Strategy) -> None:
    """Refuse a strategy whose features run on rows that the feed does not bring.

    Raises:
        FeedError: naming the feature, its clock and what there is.
    """
    for feature in strategy.features:
        if feature.clock not in feed.clocks:
            there = ", ".join(sorted(feed.clocks))
            raise FeedError(
                f"feed: {title(feature)} of {strategy.name} runs on {feature.clock} rows, this feed brings {there} "
                f"rows; take a feature of theirs, or replay recorded {feature.clock} rows"
            )
