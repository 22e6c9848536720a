"""The pages about desk and exchange tell the truth."""

import doctest
from pathlib import Path

import pytest

from quantlib.desk.memory import REASONS

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", ["desk.md", "exchange.md"])
def test_the_examples_on_the_page_run(page):
    assert doctest.testfile(str(DOCS / page), module_relative=False).failed == 0


def test_every_reason_is_on_the_page():
    page = (DOCS / "desk.md").read_text(encoding="utf-8")
    limits = {"trades a day", "open positions", "position size", "risk per trade", "gross exposure", "short share"}
    missing = {r for r in REASONS[1:] if f"`{r}`" not in page} - limits - {"unknown order"}
    assert missing == set()
