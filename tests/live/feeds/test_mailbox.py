"""Handing over between threads: in order, never waiting, and what there is no room for is told."""

from __future__ import annotations

import threading
from typing import Any

from live.feeds.mailbox import Frame, Linked, Mailbox, Overflown


def frame(*kinds: str, arrived: int = 0) -> Frame:
    return Frame("stocks", [{"T": kind} for kind in kinds], arrived)


def kept(letters: list[Any]) -> list[Any]:
    return ["".join(m["T"] for m in one.messages) if isinstance(one, Frame) else one for one in letters]


def test_letters_are_taken_in_the_order_in_which_they_were_put() -> None:
    box = Mailbox()
    for letter in (frame("b"), Linked("stocks"), frame("q")):
        box.put(letter)
    assert kept(box.take(0.0)) == ["b", Linked("stocks"), "q"]
    assert box.take(0.0) == []


def test_without_room_trades_and_quotes_go_first_and_it_is_told_how_many() -> None:
    box = Mailbox(room=3)
    box.put(frame("q", "t", "q"))
    box.put(frame("b", "q", "s", "t"))
    assert kept(box.take(0.0)) == ["qtq", "bs", Overflown(2, 0)]
    box.put(frame("q"))
    assert kept(box.take(0.0)) == ["q"]  # there is room again


def test_with_twice_as_much_waiting_bars_are_dropped_too_and_that_is_told_apart() -> None:
    box = Mailbox(room=2)
    for _ in range(3):
        box.put(frame("b", "b"))
    box.put(Linked("stocks"))  # letters that are no frames are never dropped
    assert kept(box.take(0.0)) == ["bb", "bb", Linked("stocks"), Overflown(0, 2)]


def test_a_frame_of_which_nothing_is_left_still_wakes_the_reader() -> None:
    box = Mailbox(room=0)
    taken: list[Any] = []
    reader = threading.Thread(target=lambda: taken.extend(box.take(10.0)))
    reader.start()
    box.put(frame("q"))
    reader.join(10.0)
    assert taken == [Overflown(1, 0)]


def test_many_threads_lose_nothing() -> None:
    box, taken = Mailbox(), list[Any]()
    writers = [
        threading.Thread(target=lambda who=who: [box.put(frame("b", arrived=who * 1000 + k)) for k in range(500)])
        for who in range(4)
    ]
    for writer in writers:
        writer.start()
    while len(taken) < 2000:
        letters = box.take(10.0)
        assert letters
        taken += letters
    for writer in writers:
        writer.join()
    for who in range(4):
        own = [one.arrived for one in taken if one.arrived // 1000 == who]
        assert own == list(range(who * 1000, who * 1000 + 500))
