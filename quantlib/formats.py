"""How numbers are written for people: one spelling each, and a dash for what is not known."""

from math import isfinite

DASH = "–"
MINUS = "−"  # as wide as the plus, so that columns align


def percent(value: float, digits: int = 2, *, signed: bool = False) -> str:
    """A fraction as percent: 0.1234 is 12.34 %."""
    return f"{number(value * 100.0, digits, signed=signed)}%" if isfinite(value) else DASH


def number(value: float, digits: int = 2, *, signed: bool = False) -> str:
    """A number with thousands separators and fixed digits; nothing is ever minus nought."""
    if not isfinite(value):
        return DASH
    rounded = round(value, digits) + 0.0  # + 0.0 turns -0.0 into 0.0
    return f"{rounded:{'+' if signed and rounded else ''},.{digits}f}".replace("-", MINUS)


def money(value: float, *, signed: bool = False) -> str:
    """Quote currency: cents below a thousand, whole units above."""
    return number(value, 2 if abs(value) < 1000 else 0, signed=signed)


def price(value: float) -> str:
    """A price with two digits, or five significant ones where two would hide it."""
    if not isfinite(value) or abs(value) >= 10.0 or value == 0:
        return number(value)
    return f"{value:.5g}".replace("-", MINUS)


def count(value: float) -> str:
    """A whole number."""
    return number(value, 0)


def duration(days: float) -> str:
    """Days as years, months, days, hours, minutes or seconds, in the largest unit that fits."""
    if not isfinite(days):
        return DASH
    for size, name in ((365.25, "year"), (1.0, "day"), (1 / 24, "hour"), (1 / 1440, "minute"), (1 / 86400, "second")):
        if days >= size * (2 if name == "year" else 1):
            amount = days / size
            shown = number(amount, 0 if amount >= 10 or amount == int(amount) else 1)
            return f"{shown} {name}" + ("" if shown == "1" else "s")
    return "none"
