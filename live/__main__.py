"""`python -m live`: trade a paper account, or without keys see how; replay bars; look at a session; its kill switch.

python -m live                                           the demo: two bundled indices through a loopback Alpaca
python -m live --symbols AAPL MSFT                       with keys in the environment: a paper account
python -m live replay --strategy dip --param depth=2 --input bars.parquet
python -m live parity sessions/trend
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

COMMANDS = (
    "run", "replay", "parity", "status", "halt", "reduce", "flatten", "resume", "override", "reconcile", "reseal",
    "doctor",
)  # fmt: skip
TOLD = {
    "parity": "rerun a recorded session as a backtest and show every difference",
    "status": "say where a session stands",
    "halt": "open nothing and close nothing, take back working entries",
    "reduce": "open nothing, take back working entries",
    "flatten": "open nothing and leave every position",
    "resume": "trade again",
    "override": "set a limit to another value for a time",
    "reconcile": "hold positions and orders against the broker's",
    "reseal": "change the passphrase of a session, its copies' too",
}


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code: 0, 1 where parity does not hold, 2 for an error that is told."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or (given[0].startswith("-") and given[0] not in ("-h", "--help")):
        given.insert(0, "run")
    from live.asked import refuse_cash, refuse_repeats, refuse_unknown
    from live.errors import LiveError

    try:
        if not given[0].startswith("-"):
            refuse_unknown(given[0], COMMANDS)
        asked = parser().parse_args(given, argparse.Namespace(given=given))
        refuse_repeats(getattr(asked, "symbols", None))
        refuse_cash(getattr(asked, "cash", None))
        return _job(asked.command)(asked)
    except (LiveError, ValueError, OSError) as error:  # bad rows, features, policies and files are ValueErrors
        sys.stderr.write(f"live: {' '.join(str(error).split())}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("live: stopped; the session goes on where it was\n")
        return 130


def parser() -> argparse.ArgumentParser:
    """What may be asked for."""
    whole = argparse.ArgumentParser(prog="python -m live", description="Trade what was researched.")
    commands = whole.add_subparsers(dest="command", required=True, metavar="command")
    _run_words(commands.add_parser("run", help="trade the account of your keys, or the demo (the default)"))
    _replay_words(commands.add_parser("replay", help="replay bars through the runner, or go on with a replay"))
    for name, told in TOLD.items():
        one = commands.add_parser(name, help=told, description=told)
        one.add_argument("session", type=Path, metavar="SESSION", help="its folder")
        if name not in ("parity", "status", "reconcile", "reseal"):
            one.add_argument("--at", metavar="TIME", help="before the first rows known at or after this moment")
            one.add_argument("--why", default="", metavar="TEXT", help="for the record")
        if name == "override":
            one.add_argument(
                "--limit", required=True, metavar="NAME", help="of the policy's limits: position, gross, …"
            )
            one.add_argument("--value", required=True, type=float, help="what it is set to")
            one.add_argument("--until", required=True, metavar="TIME", help="when it stands again as it was")
    doctor = commands.add_parser("doctor", help="look at all that trading needs, and say what to do")
    doctor.add_argument("session", type=Path, nargs="?", metavar="SESSION", help="its folder, to look at it too")
    return whole


def _job(word: str) -> Callable[[argparse.Namespace], int]:
    """What a word does; only what it needs is loaded."""
    if word == "run":
        from live.launch import run  # the clients of broker and dashboard take a second to load

        return run
    if word in ("replay", "parity"):
        from live import command

        return command.replay_bars if word == "replay" else command.parity
    from live import operate

    words = {
        "doctor": operate.doctor,
        "reconcile": operate.reconcile,
        "reseal": operate.reseal,
        "status": operate.status,
    }
    return words.get(word, operate.act)


def _strategy_words(one: argparse.ArgumentParser) -> None:
    one.add_argument("--strategy", metavar="S", help="trend, dip, module:function or file.py:function")
    one.add_argument("--param", action="append", default=[], metavar="NAME=VALUE", help="of the strategy; repeatable")
    one.add_argument("--input", type=Path, metavar="FILE", help="bars as parquet or CSV; default: two bundled indices")
    one.add_argument("--symbols", nargs="+", metavar="SYMBOL", help="only these")
    one.add_argument("--cash", type=float, help="at the start, quote currency")
    one.add_argument("--session", type=Path, metavar="DIR", help="its folder; default sessions/…")
    one.add_argument("--from", dest="begin", metavar="TIME", help="first moment of the tape")
    one.add_argument("--to", dest="end", metavar="TIME", help="the tape ends before it")
    one.add_argument("--fresh", action="store_true", help="begin anew; an earlier session is put aside")


def _run_words(run: argparse.ArgumentParser) -> None:
    _strategy_words(run)
    run.add_argument(
        "--speed", type=float, help="of the demo: seconds of the tape in one second; 0: as fast as it goes"
    )
    run.add_argument("--port", type=int, default=8787, help="of the dashboard on 127.0.0.1; default 8787, 0: any")
    run.add_argument(
        "--metrics", type=int, help="of an account: port of the metrics on 127.0.0.1; default 9101, 0: any"
    )
    run.add_argument("--no-dashboard", action="store_true", help="trade in this process alone: nothing else watches it")
    run.add_argument("--live", action="store_true", help="trade real money; needs --account")
    run.add_argument("--account", metavar="NUMBER", help="the number of the account, typed, to trade real money")


def _replay_words(replay: argparse.ArgumentParser) -> None:
    _strategy_words(replay)
    replay.add_argument("--cost", action="append", default=[], metavar="NAME=VALUE", help="of the exchange; repeatable")
    replay.add_argument("--speed", type=float, default=0.0, help="seconds of the tape in one second; 0: as it goes")
    replay.add_argument("--plain", action="store_true", help="plain lines instead of the live table")


if __name__ == "__main__":
    sys.exit(main())
