"""The generated catalogue says of every feature what it is, where it comes from, how it looks and what it costs."""

import inspect
import json
import sys
from pathlib import Path

import pytest

from quantlib import catalog

HOOKS = Path(__file__).parents[1] / "docs" / "hooks"
sys.path.append(str(HOOKS))

import catalogue  # noqa: E402
import drawing  # noqa: E402

every = pytest.mark.parametrize("name", catalog.names())
FAMILY = {name: family for family, entries in catalog.FAMILIES.items() for name in entries}


def told(name):
    return catalogue.sections(inspect.getdoc(catalog.CATALOG[name].factory))


@every
def test_every_feature_says_what_it_is_and_where_it_comes_from(name):
    parts = told(name)
    assert catalogue.headline(catalog.CATALOG[name].factory).endswith(".")
    assert parts["Source"], "who says so?"
    for parameter in inspect.signature(catalog.CATALOG[name].factory).parameters:
        assert parameter in parts["Args"], f"{parameter} is not explained"


@every
def test_every_cost_on_the_page_was_measured(name):
    kept = json.loads(catalogue.COSTS.read_text())
    assert kept["machine"]
    assert kept["features"][name]["ns"] > 0.0, "measure it: make costs"


def test_pages_hold_all_features_and_their_facts(monkeypatch):
    monkeypatch.setattr(catalogue, "picture", lambda name, family: f"<svg>{name}</svg>")
    costs = json.loads(catalogue.COSTS.read_text())
    overview = catalogue.overview(costs)
    for family, entries in catalog.FAMILIES.items():
        page = catalogue.page(family, costs)
        for name in entries:
            assert f"[`{name}`]({family}.md#{name})" in overview
            assert f"## {name}\n" in page
            assert f"<svg>{name}</svg>" in page
        assert page.count("| cost |") == page.count("| warm-up |") == len(entries)


@pytest.mark.parametrize("name", ["sma", "cvd_events", "hidden_liquidity", "rank", "spread"])
def test_a_picture_is_drawn_on_rows_of_its_clock(name):
    drawn = drawing.picture(name, FAMILY[name])
    assert drawn.startswith("<svg ")
    assert drawn.count("<path") > 5
    assert name.split("_")[0] in drawn


@pytest.mark.slow
@every
def test_every_picture_can_be_drawn(name):
    assert drawing.picture(name, FAMILY[name]).count("<path") > 5


def test_a_docstring_is_cut_at_its_headings():
    parts = catalogue.sections(
        "What.\n\ny = a x\n\nText of it.\n\nArgs:\n    n: rows,\n        many.\n    out: y.\n\nSource: Me."
    )
    assert parts[""] == "What.\n\n```text\ny = a x\n```\n\nText of it."
    assert list(catalogue.items(parts["Args"])) == ["- `n`: rows, many.", "- `out`: y."]
    assert parts["Source"] == "Me."
