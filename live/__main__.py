"""`python -m live`: replay bars through the live runner, look at a session, throw its kill switch.

python -m live                                           the bundled indices, strategy trend
python -m live --strategy dip --param depth=2 --input bars.parquet
python -m live parity sessions/trend
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

COMMANDS = ("run", "parity", "status", "halt", "reduce", "flatten", "resume")
TOLD = {
    "parity": "rerun a recorded session as a backtest and show every difference",
    "status": "say where a session stands",
    "halt": "open nothing and close nothing, take back working entries",
    "reduce": "open nothing, take back working entries",
    "flatten": "open nothing and leave every position",
    "resume": "trade again",
}


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code: 0, 1 where parity does not hold, 2 for an error that is told."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or (given[0] not in COMMANDS and given[0] not in ("-h", "--help")):
        given.insert(0, "run")
    asked = parser().parse_args(given)
    from live import command
    from live.errors import LiveError

    jobs = {"run": command.run, "parity": command.parity, "status": command.status}
    try:
        return jobs.get(asked.command, command.act)(asked)
    except (LiveError, ValueError, OSError) as error:  # bad rows, features, policies and files are ValueErrors
        sys.stderr.write(f"live: {' '.join(str(error).split())}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("live: stopped; the session goes on where it was\n")
        return 130


def parser() -> argparse.ArgumentParser:
    """What may be asked for."""
    whole = argparse.ArgumentParser(prog="python -m live", description="Replay bars through the live runner.")
    commands = whole.add_subparsers(dest="command", required=True, metavar="command")
    run = commands.add_parser("run", help="replay, or go on with a session (the default)")
    run.add_argument("--strategy", metavar="S", help="trend, dip, module:function or file.py:function")
    run.add_argument("--param", action="append", default=[], metavar="NAME=VALUE", help="of the strategy; repeatable")
    run.add_argument("--input", type=Path, metavar="FILE", help="bars as parquet or CSV; default: two bundled indices")
    run.add_argument("--symbols", nargs="+", metavar="SYMBOL", help="only these")
    run.add_argument("--cash", type=float, help="at the start, quote currency; default 1,000,000")
    run.add_argument("--cost", action="append", default=[], metavar="NAME=VALUE", help="of the exchange; repeatable")
    run.add_argument("--session", type=Path, metavar="DIR", help="its folder; default sessions/STRATEGY")
    run.add_argument("--from", dest="begin", metavar="TIME", help="first moment of the tape")
    run.add_argument("--to", dest="end", metavar="TIME", help="the tape ends before it")
    run.add_argument(
        "--speed", type=float, default=0.0, help="seconds of the tape in one second; 0: as fast as it goes"
    )
    run.add_argument("--plain", action="store_true", help="plain lines instead of the live table")
    run.add_argument("--fresh", action="store_true", help="begin anew; an earlier session is put aside")
    for name, told in TOLD.items():
        one = commands.add_parser(name, help=told, description=told)
        one.add_argument("session", type=Path, metavar="SESSION", help="its folder")
        if name not in ("parity", "status"):
            one.add_argument("--at", metavar="TIME", help="before the first rows known at or after this moment")
    return whole


if __name__ == "__main__":
    sys.exit(main())
