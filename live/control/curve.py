"""A curve of equity that grows for ever and stays small: low, high, deepest and last of each of its stretches.

When there are too many stretches, each two become one; so a week is as quick to draw as an hour, and no spike is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

STRETCHES = 512  # at most; each gives up to four points


@dataclass(frozen=True, slots=True)
class Point:
    """Equity at one moment, and how far below its highest that is (a fraction)."""

    ts: int
    equity: float
    drawdown: float


class Stretch(NamedTuple):
    """Some steps in a row."""

    low: Point
    high: Point
    deepest: Point
    last: Point


class Curve:
    """Equity step by step; drawdown is measured at each of them, before any thinning."""

    def __init__(self, begun: float, stretches: int = STRETCHES) -> None:
        self._high, self._most = begun, stretches
        self._stretches: list[Stretch] = []
        self._size = self._inside = 1  # steps in a whole stretch, and in the last one

    def add(self, ts: int, equity: float) -> None:
        """One step more."""
        self._high = max(self._high, equity)
        point = Point(ts, equity, 1.0 - equity / self._high)
        one = Stretch(point, point, point, point)
        if self._stretches and self._inside < self._size:
            self._stretches[-1] = _joined(self._stretches[-1], one)
            self._inside += 1
            return
        self._stretches.append(one)
        self._inside = 1
        if len(self._stretches) > self._most:
            self._halve()

    def points(self) -> list[Point]:
        """What there is to draw, in the order of time."""
        return [point for stretch in self._stretches for point in sorted({*stretch}, key=lambda point: point.ts)]

    def _halve(self) -> None:
        old = self._stretches
        alone = len(old) % 2
        self._stretches = [_joined(a, b) for a, b in zip(old[::2], old[1::2], strict=False)] + old[len(old) - alone :]
        self._inside += 0 if alone else self._size
        self._size *= 2


def _joined(a: Stretch, b: Stretch) -> Stretch:
    return Stretch(
        min(a.low, b.low, key=lambda point: point.equity), max(a.high, b.high, key=lambda point: point.equity),
        max(a.deepest, b.deepest, key=lambda point: point.drawdown), b.last,
    )  # fmt: skip
