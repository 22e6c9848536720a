"""One measured number, and how a list of them is shown and kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from rich.markup import escape
from rich.table import Table

PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))


class Row(NamedTuple):
    """A benchmark's answer: the median of its runs, in SI base units.

    name        as `python -m benchmarks NAME` takes it
    value       median of `runs`
    unit        "bars/s", "s", "s/row", "bytes" or "1" (a pure number)
    runs        every measured value, in the order of measuring
    peer        what was measured beside it in the same invocation, or ""
    peer_value  the peer's median in the same unit
    ratio       value / peer_value: above 1 is good for bars/s, below 1 for seconds and bytes
    note        what to know when reading it; shown, not kept
    """

    name: str
    value: float
    unit: str
    runs: tuple[float, ...]
    peer: str = ""
    peer_value: float | None = None
    ratio: float | None = None
    note: str = ""


class Skipped(Exception):
    """A benchmark that cannot run here, and why."""


def row(name: str, unit: str, runs: Sequence[float], note: str = "") -> Row:
    """The row of these runs, without a peer."""
    return Row(name, median(runs), unit, tuple(runs), note=note)


def against(mine: Row, peer: str, runs: Sequence[float], note: str = "") -> Row:
    """The row beside a peer's runs of the same work."""
    theirs = median(runs)
    return mine._replace(
        peer=peer, peer_value=theirs, ratio=mine.value / theirs, note="; ".join(n for n in (mine.note, note) if n)
    )


def written(rows: Sequence[Row], path: Path) -> None:
    """Keep the rows as a json list."""
    kept = [{k: v for k, v in r._asdict().items() if k != "note"} for r in rows]
    path.write_text(json.dumps(kept, indent=1) + "\n")


def shown(rows: Sequence[Row], skipped: Sequence[tuple[str, str]]) -> Table:
    """The rows as a table for people."""
    table = Table(box=None, pad_edge=False)
    table.add_column("benchmark", no_wrap=True)
    for title in ("median", "range"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("peer", no_wrap=True)
    for title in ("its median", "ratio"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("note", style="dim")
    for r in rows:
        low, high = spelled(min(r.runs), ""), spelled(max(r.runs), "")
        spread = f"{low} … {high}" if len(r.runs) > 1 else ""
        theirs = "" if r.peer_value is None else spelled(r.peer_value, r.unit)
        ratio = "" if r.ratio is None else f"{r.ratio:.3g}"
        table.add_row(r.name, spelled(r.value, r.unit), spread, r.peer, theirs, ratio, escape(r.note))
    for name, why in skipped:
        table.add_row(name, "[yellow]skipped", "", "", "", "", escape(why))
    return table


def spelled(value: float, unit: str) -> str:
    """A number with three digits, an SI prefix and its unit."""
    if unit == "1":
        return f"{value:.3f}"
    scale, prefix = next((p for p in PREFIXES if abs(value) >= p[0]), PREFIXES[-1])
    return f"{value / scale:.3g} {prefix}{'B' if unit == 'bytes' else unit}"
