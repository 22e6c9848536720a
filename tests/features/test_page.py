"""The page about features tells the truth."""

import doctest
import re
from pathlib import Path

from quantlib import catalog

PAGE = Path(__file__).parents[2] / "docs" / "features.md"


def test_the_examples_on_the_page_run():
    assert doctest.testfile(str(PAGE), module_relative=False).failed == 0


def test_the_page_lists_the_whole_catalog():
    assert re.findall(r"^\| `(\w+)\(", PAGE.read_text(), re.MULTILINE) == list(catalog.names())
