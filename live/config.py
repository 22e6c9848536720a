"""What a session is: written at the head of its journal, and compared at every later start."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from backtest.costs import Costs
from live.errors import SessionError
from live.words import layout_of, spelling
from quantlib.desk.memory import Instrument
from quantlib.sets.feature_set import FeatureSet, differences
from quantlib.strategy import Strategy
from quantlib.table import Table

COSTS = Costs(rate=1e-4, spread=1e-4)  # where none are given: one basis point of commission, one of spread
CASH = 1_000_000.0
SAID_ONLY = ("source", "title", "features")  # told, but no reason to refuse a session: identity is


class Config(NamedTuple):
    """Everything that a session's decisions depend on, but its rows.

    name         of the session: its orders are called name-id
    reference    and params: how to find the strategy again; "" if it was given as a value
    identity     of the strategy: `Strategy.identity`
    title        the strategy's name
    features     of the strategy: as `FeatureSet.record` writes them, so that it can be said which differ; {} if none
    symbols      in the order of their codes
    columns      name and dtype of each column of the rows
    cash, costs  of the account and the exchange
    instruments  tick, lot and multiplier of each symbol
    source       where rows came from, as the command line had it
    """

    name: str
    reference: str
    params: dict[str, Any]
    identity: str
    title: str
    features: dict[str, Any]
    symbols: list[str]
    columns: list[list[str]]
    cash: float
    costs: dict[str, Any]
    instruments: list[list[float]]
    source: dict[str, Any]
    words: str

    @property
    def wired(self) -> bool:
        """Whether a broker at the other end of a wire answered, and not the simulated one."""
        return bool(self.source.get("broker"))

    @property
    def layout(self) -> np.dtype[Any]:
        """One record per row."""
        return np.dtype([(name, kind) for name, kind in self.columns], align=True)

    @property
    def digest(self) -> str:
        """Hex digest of what `differences` compares."""
        spelled = {name: value for name, value in self._asdict().items() if name not in SAID_ONLY}
        return hashlib.sha256(json.dumps(spelled, sort_keys=True).encode()).hexdigest()

    @property
    def instrument_map(self) -> dict[str, Instrument]:
        """The instruments by symbol."""
        return {symbol: Instrument(*one) for symbol, one in zip(self.symbols, self.instruments, strict=True)}


def config_of(
    folder: Path,
    strategy: Strategy,
    table: Table,
    *,
    name: str = "",
    reference: str = "",
    params: Mapping[str, Any] | None = None,
    cash: float = CASH,
    costs: Costs | None = None,
    instruments: Instrument | Mapping[str, Instrument] | None = None,
    source: Mapping[str, Any] | None = None,
) -> Config:
    """The session of this folder, as it is asked for now; called like the folder, unless a name is given.

    Raises:
        SessionError: if parameters cannot be written down, or a symbol has no instrument.
    """
    given = instruments if isinstance(instruments, Mapping) else dict.fromkeys(table.symbols, instruments)
    missing = [symbol for symbol in table.symbols if symbol not in given]
    if missing:
        raise SessionError(f"session: no instrument for {', '.join(missing)}; given are {sorted(given)}")
    try:
        spelled = json.loads(json.dumps(dict(params or {})))
    except TypeError as error:
        raise SessionError(f"session: parameters must be numbers, words or lists of them ({error})") from error
    layout = layout_of(table.columns)
    features = FeatureSet(strategy.name or "strategy", strategy.features).record() if strategy.features else {}
    return Config(
        name or folder.resolve().name, reference, spelled, strategy.identity, strategy.name, features,
        list(table.symbols),
        [[name, layout[name].str] for name in layout.names or ()], float(cash), (costs or COSTS)._asdict(),
        [list(given[symbol] or Instrument()) for symbol in table.symbols], dict(source or {}), spelling(),
    )  # fmt: skip


def recorded(path: Path, identity: Mapping[str, Any]) -> Config:
    """The session that a journal's head describes.

    Raises:
        SessionError: if it was written by another version of the library.
    """
    if set(identity) != set(Config._fields) or identity["words"] != spelling():
        raise SessionError(
            f"session: {path} was written by another version of this library, whose records differ; "
            f"continue it with that one, or start afresh with --fresh"
        )
    return Config(**identity)


def refuse_other(path: Path, there: Config, asked: Config) -> None:
    """Refuse to go on with a session under another description.

    Raises:
        SessionError: naming what differs, as it was and as it is asked for.
    """
    found = []
    for name in Config._fields:
        was, now = getattr(there, name), getattr(asked, name)
        if name in SAID_ONLY or json.loads(json.dumps(now)) == was:
            continue
        if name == "identity":
            others = _other_features(there.features, asked.features)
            found.append(f"strategy (was {there.title!r} {was[:8]}, asked {asked.title!r} {now[:8]}{others})")
        else:
            found.append(f"{name} (was {was}, asked {now})")
    if found:
        raise SessionError(
            f"session: {path.parent} was started with other {'; other '.join(found)}. "
            f"Ask for the same, use another --session, or start afresh with --fresh"
        )


def _other_features(was: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Which features differ, if any do."""
    if was.get("version") == now.get("version"):
        return ""
    return f": {', '.join(differences(now.get('features', ()), was.get('features', ())))}"
