"""`python -m benchmarks [NAME ...]`: measure, print a table, keep benchmarks/latest.json.

NAME is a row, or what its name begins with: `backtest`, `backtest.A`, `features.sma`, `live`.  None is all.  A row that
is asked for by its own name is measured whole, even where that takes many minutes (`live.wire`).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from rich.console import Console

from benchmarks import (
    rows_desk,
    rows_detectors,
    rows_features,
    rows_live,
    rows_peers,
    rows_polars,
    rows_processes,
    rows_providers,
    rows_rebuild,
    rows_wire,
)
from benchmarks.row import Row, Skipped, shown, written
from benchmarks.rows_peers import WrongResult
from benchmarks.timing import TINY, Scale, machine

WIDTH = 200  # columns of text where no terminal says how wide it is
LATEST = Path(__file__).with_name("latest.json")
BENCHES: dict[str, Callable[[Scale], Row]] = {
    **rows_desk.BENCHES,
    **rows_peers.BENCHES,
    **rows_live.BENCHES,
    **rows_wire.BENCHES,
    **rows_processes.BENCHES,
    **rows_polars.BENCHES,
    **rows_providers.BENCHES,
    **rows_rebuild.BENCHES,
    **rows_features.BENCHES,
    **rows_detectors.BENCHES,
}


def main(arguments: Sequence[str] | None = None, console: Console | None = None) -> int:
    """The command line; returns the exit code: 1 if a result was wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure time and memory beside peers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a row, or what its name begins with")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="the same")
    parser.add_argument("--no-peers", action="store_true", help="measure ours alone")
    parser.add_argument("--tiny", action="store_true", help="as small as it goes, to see that it runs")
    parser.add_argument("--json", type=Path, default=LATEST, metavar="PATH", help="where the rows are kept")
    asked = parser.parse_args(arguments)
    scale = TINY if asked.tiny else Scale(peers=not asked.no_peers)
    try:
        names = chosen([*asked.names, *asked.only])
    except ValueError as error:
        parser.error(str(error))
    console = console or Console()
    if not console.is_terminal:
        console = Console(file=console.file, width=WIDTH)
    whole = frozenset() if asked.tiny else frozenset([*asked.names, *asked.only])
    return measure(names, scale, asked.json, console, whole)


def chosen(wanted: Sequence[str]) -> list[str]:
    """The rows of that name, or else those whose names begin so; all if nothing is wanted.

    Raises:
        ValueError: if there is no such row.
    """
    found: list[str] = []
    for name in wanted:
        exact = [n for n in BENCHES if n == name] or [n for n in BENCHES if n.startswith(f"{name}.")]
        if not exact:
            kinds = dict.fromkeys(n.split(".")[0] for n in BENCHES)
            raise ValueError(f"no benchmark {name!r}, and none begins so; their names begin with {', '.join(kinds)}")
        found += [n for n in exact if n not in found]
    return found or list(BENCHES)


def measure(
    names: Sequence[str], scale: Scale, path: Path, console: Console, whole: Collection[str] = ()
) -> int:  # fmt: skip
    """Measure, keep and show; those of `whole` at their full length."""
    rows: list[Row] = []
    skipped: list[tuple[str, str]] = []
    wrong: list[str] = []
    place = machine()
    for name in names:
        with console.status(name):
            try:
                rows.append(BENCHES[name](scale._replace(whole=name in whole)))
            except Skipped as reason:
                skipped.append((name, str(reason)))
            except WrongResult as error:
                wrong.append(str(error))
    written(rows, path)
    console.print(shown(rows, skipped))
    console.print(f"\n{place}\n{len(rows)} rows in {path}", highlight=False, style="dim")
    for what in wrong:
        console.print(f"[red]wrong[/]: {what}", highlight=False)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
