"""The notebooks run from their first cell to the last, and hold no definitions."""

import ast
import re
from pathlib import Path

import matplotlib
import polars as pl
import pytest

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT.parent / "shared" / "data" / "raw_samples" / "tardis"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))


def cells(path):
    """The code of each cell."""
    parts = re.split(r"^# %%", path.read_text("utf-8"), flags=re.MULTILINE)[1:]
    return ["\n".join(part.split("\n")[1:]) for part in parts if not part.startswith(" [markdown]")]


def shown(code, names):
    """What a notebook would show below the cell: the value of its last line, if that is an expression."""
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<cell>", "exec"), names)
    return eval(compile(ast.Expression(last.value), "<cell>", "eval"), names) if last else None


def walked(path, folder=None):
    names = {"__name__": "__notebook__"}
    values = [shown(code, names) for code in cells(path)]
    figures = [value for value in values if isinstance(value, matplotlib.figure.Figure)]
    for k, figure in enumerate(figures):
        figure.savefig(folder / f"{path.stem}_{k}.png", facecolor="white")
    return values, figures


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_holds_no_definitions(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        assert not isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Lambda)), f"{path.name}:{node.lineno}"


@pytest.mark.slow
@pytest.mark.parametrize("data", ["made up", "recorded"])
def test_the_tour_runs_and_what_it_says_is_true(data, tmp_path, monkeypatch):
    if data == "recorded":
        if not SAMPLES.exists():
            pytest.skip("recorded files are not here (../shared/data/raw_samples)")
        monkeypatch.setenv("MARKET_DATA", str(SAMPLES))
    else:
        monkeypatch.delenv("MARKET_DATA", raising=False)
    values, figures = walked(ROOT / "notebooks" / "tour.py", tmp_path)
    assert len(figures) >= 6
    assert all(file.stat().st_size > 10_000 for file in tmp_path.glob("*.png"))
    assert values[-1] is True  # one by one as in a batch
    events = [value for value in values if isinstance(value, pl.DataFrame)]
    assert all(frame.height for frame in events)
