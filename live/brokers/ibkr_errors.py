"""What TWS's error codes mean for an order; most of its errors are none.

Source: Interactive Brokers, TWS API documentation, error handling: system, warning and client message codes.
"""

from __future__ import annotations

NOTICE = "notice"  # the order lives on, as it was
CANCELLED = "cancelled"
DUPLICATE = "duplicate"  # its number was seen before: it has arrived
UNCHANGED = "unchanged"  # a change or cancel was not done
REFUSED = "refused"  # the order, or its change

MEANINGS = {
    103: DUPLICATE, 104: UNCHANGED, 105: UNCHANGED, 161: UNCHANGED, 202: CANCELLED, 329: UNCHANGED, 399: NOTICE,
    404: NOTICE, 2148: NOTICE, 10147: UNCHANGED, 10148: UNCHANGED, 10349: NOTICE,
}  # fmt: skip
WARNINGS = range(2100, 2200)


def meaning(code: int, text: str) -> str:
    """One of the words above; 110 (price steps), 200 and 201 and whatever is not known refuse."""
    if code in WARNINGS or (code == 10148 and "PendingCancel" in text):
        return NOTICE
    return MEANINGS.get(code, REFUSED)
