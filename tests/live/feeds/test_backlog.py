"""What a feed makes of frames that waited: those that came together are one, and a moment's patience is its own."""

from __future__ import annotations

import time

import pytest
from alpaca_server import bar
from feed_rows import MINUTE, OPEN

from live.feeds.alpaca import TOGETHER, AlpacaFeed
from live.feeds.hours import ALL
from live.feeds.mailbox import Frame, Lost
from live.feeds.protocol import Incident, Moment
from live.feeds.settings import FeedSettings
from live.keys import Keys

SECOND = 1_000_000_000


@pytest.fixture
def feed():
    """One that is not connected: what is put into its mailbox is all it hears."""
    settings = FeedSettings(hours=ALL, patience=5.0)
    one = AlpacaFeed(Keys("key", "secret"), ("AAPL", "MSFT"), settings, clock=lambda: OPEN + 10 * MINUTE)
    yield one
    one.close()


def frame(arrived, *messages):
    return Frame("stocks", [message | {"t": message["t"].to_unix_nano()} for message in messages], arrived)


def test_frames_that_came_together_are_one_moment_of_the_first_ones_time(feed):
    now = time.monotonic_ns()
    feed._mailbox.put(frame(now, bar(1, "AAPL")))
    feed._mailbox.put(frame(now + TOGETHER // 2, bar(1, "MSFT")))
    moment = feed.next(1.0)
    assert isinstance(moment, Moment)
    assert (len(moment.rows), moment.arrived) == (2, now)


def test_a_moment_that_waited_behind_another_has_the_patience_of_its_own_first_frame(feed):
    now = time.monotonic_ns()
    feed._mailbox.put(frame(now - 6 * SECOND, bar(1, "AAPL"), bar(1, "MSFT")))
    feed._mailbox.put(frame(now, bar(2, "AAPL")))
    first = feed.next(0.0)
    assert isinstance(first, Moment)
    assert len(first.rows) == 2
    assert feed.next(0.0) is None, "its second bar is still waited for"
    feed._mailbox.put(frame(now, bar(2, "MSFT")))
    second = feed.next(1.0)
    assert isinstance(second, Moment)
    assert (len(second.rows), second.arrived) == (2, now)


def test_what_stands_between_two_frames_is_heard_between_them(feed):
    now = time.monotonic_ns()
    feed._mailbox.put(frame(now, bar(1, "AAPL")))
    feed._mailbox.put(Lost("stocks", "closed"))
    feed._mailbox.put(frame(now, bar(2, "AAPL"), bar(2, "MSFT")))
    lost, incomplete = feed.next(1.0), feed.next(1.0)
    assert isinstance(lost, Incident)
    assert isinstance(incomplete, Moment)
    assert len(incomplete.rows) == 1
