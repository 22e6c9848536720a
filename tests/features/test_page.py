"""The page about features tells the truth."""

import doctest
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "features.md"


def test_the_examples_on_the_page_run():
    assert doctest.testfile(str(PAGE), module_relative=False).failed == 0
