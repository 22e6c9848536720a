"""Spans of time given in seconds: checked at the door, counted in whole nanoseconds behind it."""

from quantlib.features.rows import number

SECOND = 1_000_000_000  # ns
LONGEST = 2**62  # ns, more than a century


def nanoseconds(who: str, name: str, seconds: float) -> int:
    """The seconds as whole nanoseconds.

    Raises:
        ValueError: if they are no number, not positive, above a century, or not whole nanoseconds (to 1e-6 of one).
    """
    try:
        exact = number(who, name, seconds) * SECOND
    except ValueError:
        raise ValueError(f"{who}: {name} must be a number of seconds, got {seconds!r}") from None
    if not 0.5 <= exact <= LONGEST:
        raise ValueError(f"{who}: {name} must be at least a nanosecond and at most a century, got {seconds}")
    if abs(exact - round(exact)) > max(1e-6, 1e-15 * exact):
        raise ValueError(f"{who}: {name} must be whole nanoseconds, got {seconds} seconds")
    return round(exact)
