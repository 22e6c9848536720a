"""`python -m backtest compile [--catalog]`: compiled ahead, once on a machine."""

from __future__ import annotations

import argparse
import sys
from time import perf_counter

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m backtest", description="Compile everything ahead of its first use."
    )
    parser.add_argument("command", choices=["compile"], help="compile: desk, exchange and presets, once on a machine")
    parser.add_argument("--catalog", action="store_true", help="and every feature of the catalog, which takes minutes")
    compile_ahead(Console(stderr=True), parser.parse_args(arguments).catalog)
    return 0


def compile_ahead(console: Console, catalog: bool = False) -> None:
    """Compile what every backtest runs, and the whole catalog if it is asked for; show how far it is."""
    from backtest.ahead import compile_all, shared

    begun = perf_counter()
    shown = TextColumn("compiling, once"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(
        *shown, TextColumn("{task.description}"), console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("", total=None)
        for part, done, total in compile_all(bool if catalog else shared):
            progress.update(task, description=part, completed=done, total=total)
    console.print(f"compiled, or found compiled, in {perf_counter() - begun:.1f} s", highlight=False)


if __name__ == "__main__":
    sys.exit(main())
