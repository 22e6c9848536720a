"""Precision and recall of the event detectors, on made-up markets whose truth is known."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from benchmarks.detection import DETECTORS, REPORTED_ON, Found, found, together
from benchmarks.row import Row
from benchmarks.timing import Scale

FULL, TINY = 3600.0, 600.0  # seconds of each market
ENOUGH = 100_000  # rows from which a scale asks for full markets


def measured(name: str, scale: Scale) -> list[Found]:
    """What a detector finds with its defaults, one market after the other."""
    full = scale.rows >= ENOUGH
    seeds = REPORTED_ON if full else REPORTED_ON[:1]
    return [found(DETECTORS[name], seed, FULL if full else TINY) for seed in seeds]


def precision(name: str, scale: Scale) -> Row:
    """Share of events that meet a plant, all markets together; the note is the confusion matrix."""
    parts = measured(name, scale)
    whole = together(parts)
    return Row(
        f"detectors.{name}.precision", whole.precision, "1", tuple(p.precision for p in parts), note=matrix(whole)
    )


def recall(name: str, scale: Scale) -> Row:
    """Share of plants that are found, all markets together."""
    parts = measured(name, scale)
    whole = together(parts)
    note = f"{whole.met} of {whole.met + whole.missed} planted"
    return Row(f"detectors.{name}.recall", whole.recall, "1", tuple(p.recall for p in parts), note=note)


def matrix(whole: Found) -> str:
    """The confusion matrix in a line: events by what they fell on, and what was missed."""
    wrong = ", ".join(f"{count} on {kind}" for kind, count in sorted(whole.wrong.items()) if count)
    return (
        f"right {whole.right}; wrong {sum(whole.wrong.values())}{f' ({wrong})' if wrong else ''}; missed {whole.missed}"
    )


BENCHES: dict[str, Callable[[Scale], Row]] = {
    f"detectors.{name}.{what.__name__}": partial(what, name) for name in DETECTORS for what in (precision, recall)
}
