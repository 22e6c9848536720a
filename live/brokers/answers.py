"""What an answer must look like before anybody reads it.

A yes may hold anything: what a proxy says, an error under another status, a field that was renamed.  What cannot be
read is no answer: the error says what was asked and what was wrong, and of a call that changes something the outcome is
unknown.  It is no failure of the line, so no circuit opens for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from live.errors import BrokerError, Unanswered

Check = Callable[[Any], str]  # what is wrong with a value; "" if nothing is
T = TypeVar("T")

MOST = 80  # characters of a value that are shown


def understood(what: str, body: T, check: Check) -> T:
    """The body of an answer to a call, if it can be read.

    Raises:
        Unanswered: saying what was asked, and what is wrong.
    """
    if wrong := check(body):
        raise Unanswered(f"broker: {what} was answered with what makes no sense ({wrong})")
    return body


def anything(value: Any) -> str:
    """Nothing is read of it."""
    return ""


def reads(reader: Callable[[Any], object], wanted: str) -> Check:
    """What this reader takes."""

    def check(value: Any) -> str:
        try:
            reader(value)
        except (ValueError, TypeError, ArithmeticError, BrokerError):
            return f"{_seen(value)} is no {wanted}"
        return ""

    return check


def record(wanted: Mapping[str, Check], perhaps: Mapping[str, Check] | None = None) -> Check:
    """A JSON object with these fields; those of `perhaps` may be missing, null or empty."""

    def check(value: Any) -> str:
        if not isinstance(value, Mapping):
            return f"{_seen(value)} is no object"
        for name, one in wanted.items():
            if name not in value:
                return f"no {name} in {_seen(value)}"
            if wrong := one(value[name]):
                return f"{name}: {wrong}"
        for name, one in (perhaps or {}).items():
            if value.get(name) not in (None, "") and (wrong := one(value[name])):
                return f"{name}: {wrong}"
        return ""

    return check


def each(one: Check, least: int = 0) -> Check:
    """A list of such values, so many at least."""

    def check(value: Any) -> str:
        if not isinstance(value, list) or len(value) < least:
            return f"{_seen(value)} is no list{f' of {least} or more' if least else ''}"
        return next((wrong for wrong in map(one, value) if wrong), "")

    return check


def _finite(value: Any) -> None:
    if isinstance(value, bool) or not Decimal(str(value)).is_finite():
        raise ValueError


def _named(value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        raise TypeError


def _seen(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= MOST else f"{text[: MOST - 1]}…"


number = reads(_finite, "number")  # digits as text, or a float
whole = reads(int, "whole number")
word = reads(_named, "name")  # not empty
