"""A session's state is the fold of its journal: every recorded step taken again, by the code that took it first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from live.config import Config
from live.errors import Corrupted
from live.journal import Frame
from live.state import State
from live.words import (
    BEAT,
    INPUT,
    NOTE,
    OPERATOR,
    OUTPUT,
    PAST,
    Beat,
    Input,
    Output,
    action_of,
    beat_of,
    input_of,
    past_of,
)

Half = Input | Beat  # a step whose output may not have been written


class Refolded(NamedTuple):
    """A step taken again, and the frame of what it came to the first time."""

    half: Half
    output: Output
    recorded: Frame


def fold(
    state: State, frames: Sequence[Frame], config: Config, before: Callable[[Half], None] = lambda half: None
) -> Iterator[Refolded]:
    """Move `state` on by the frames; yields every step that was finished.

    Args:
        state: as it was before the first of the frames.
        before: called with each finished step before it is taken.

    Raises:
        Corrupted: if a frame stands where none of its kind can.
    """
    half: Half | None = None
    for frame in frames:
        if half is not None and frame.kind != OUTPUT:
            raise _misplaced(frame)
        if frame.kind == OPERATOR:
            state.obey(action_of(frame.payload))
        elif frame.kind == PAST:
            state.past(past_of(frame.payload, config.layout))
        elif frame.kind == OUTPUT and half is not None:
            before(half)
            yield Refolded(half, finished(state, half), frame)
            half = None
        elif frame.kind != NOTE:
            half = _half(frame, config)


def finished(state: State, half: Half) -> Output:
    """Take the step."""
    return state.beat(half) if isinstance(half, Beat) else state.advance(half.rows, half.reports)


def left_half(frames: Sequence[Frame], config: Config) -> Half | None:
    """The last step, if its output was never written."""
    last = next((frame for frame in reversed(frames) if frame.kind != NOTE), None)
    return _half(last, config) if last is not None and last.kind in (INPUT, BEAT) else None


def _half(frame: Frame, config: Config) -> Half:
    if frame.kind == INPUT:
        return input_of(frame.payload, config.layout)
    if frame.kind == BEAT:
        return beat_of(frame.payload)
    raise _misplaced(frame)


def _misplaced(frame: Frame) -> Corrupted:
    return Corrupted(f"journal: frame {frame.sequence} of kind {frame.kind} has no place where it stands")
