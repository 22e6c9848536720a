"""Made-up worlds for desk and exchange: rows, a policy, costs, operator events and a user's wishes.

Rows come from a seed and a kind; what decides is drawn by hypothesis, so that a failing world shrinks.
"""

from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from backtest.costs import Costs
from quantlib import Table, bars
from quantlib.desk.consult import decision
from quantlib.desk.memory import CANCELS, LEAVE, LONG, ORDERED, REPLACES, SHORT, Instrument
from quantlib.desk.policy import (
    DAY_NS,
    RISK,
    Exits,
    Gates,
    Limits,
    Policy,
    fixed_fraction,
    fixed_lots,
    risk_per_trade,
    volatility_scaled,
)
from quantlib.desk.wishes import Wish
from quantlib.strategy import Strategy

MINUTE = 60_000_000_000
START = 1_700_000_040_000_000_000  # a whole minute, ns UTC
KINDS = ("calm", "gaps", "tiny", "huge", "off grid")
LEVEL = {"calm": 100.0, "gaps": 50.0, "tiny": 0.03, "huge": 3e6, "off grid": 7.0}
SCRIPT = ("w_action", "w_side", "w_lots", "w_limit", "w_stop", "w_back", "w_flags", "w_bracket")


class World(NamedTuple):
    """All that a backtest is given."""

    seed: int = 0
    rows: int = 120
    symbols: int = 2
    kind: str = "calm"
    missing: float = 0.0
    timed: bool = False  # rows say when they began
    scripted: bool = False  # a user's decision wishes, instead of a score
    policy: Policy = Policy()
    costs: Costs = Costs()
    events: tuple[tuple[int, str], ...] = ()  # (row, action)
    cash: float = 100_000.0

    @property
    def table(self) -> Table:
        """Its rows, checked."""
        return bars(columns(self), symbols=[f"S{k}" for k in range(self.symbols)])

    @property
    def strategy(self) -> Strategy:
        """What decides."""
        chosen = scripted if self.scripted else None
        return Strategy((), self.policy, chosen, volatility="sigma", distance="away")

    @property
    def operator(self) -> list[tuple[int, str]]:
        """Operator events with their times."""
        ts = columns(self)["ts"]
        return [(int(ts[row]), action) for row, action in sorted(self.events) if row < self.rows]


def columns(world: World) -> dict[str, Any]:
    """The rows of a world."""
    rng = np.random.default_rng(world.seed)
    n = world.rows
    code = rng.integers(world.symbols, size=n)
    step = rng.choice([1, 1, 1, 1, 5, 60, 1440], n) * MINUTE
    step[1:][(code[1:] != code[:-1]) & (rng.random(n - 1) < 0.6)] = 0
    for i in range(2, n):  # one bar of a symbol at one moment
        back = i - 1
        while step[i] == 0 and step[back + 1 : i + 1].sum() == 0 and back >= 0:
            step[i] = MINUTE if code[back] == code[i] else 0
            back -= 1
    ts = START + np.cumsum(step)
    moves = rng.normal(0, 0.004, n) * rng.choice([1, 1, 1, 5], n)
    jump = rng.normal(0, 0.02 if world.kind == "gaps" else 0.002, n) * (rng.random(n) < 0.3)
    tick = 0.0001 if world.kind == "tiny" else 0.01
    quotes: dict[str, Any] = {name: np.empty(n) for name in ("open", "high", "low", "close")}
    for s in range(world.symbols):
        mine = np.flatnonzero(code == s)
        last = LEVEL[world.kind] * rng.uniform(0.7, 1.5)
        for i in mine:
            first = last * np.exp(jump[i])
            end = first * np.exp(moves[i])
            up, down = 1 + np.abs(rng.normal(0, 0.003, 2))
            made = np.array([first, max(first, end) * up, min(first, end) / down, end])
            made = made if world.kind == "off grid" else np.maximum(np.round(made / tick), 1) * tick
            made = made if world.kind == "off grid" else np.round(made, 4)
            for name, value in zip(quotes, made, strict=True):
                quotes[name][i] = value
            last = made[3]
    price = quotes["close"].copy()
    found = {
        "ts": ts, "symbol": np.array([f"S{c}" for c in code]), **quotes,
        "volume": np.floor(rng.exponential(800.0, n)), "score": _scores(rng, n),
        "sigma": rng.uniform(0.01, 0.2, n), "away": price * rng.uniform(0.004, 0.03, n),
    }  # fmt: skip
    if world.timed:
        found["ts_event"] = ts - rng.choice([30, 60], n) * 1_000_000_000
    found |= _script(rng, n, price, tick)
    for row in np.flatnonzero(rng.random(n) < world.missing):
        for name in quotes if rng.random() < 0.5 else [rng.choice(list(quotes))]:
            found[name][row] = np.nan
    return found


def _scores(rng: Any, n: int) -> Any:
    score = np.clip(np.repeat(rng.normal(0, 0.8, n // 3 + 1), 3)[:n] + rng.normal(0, 0.1, n), -1, 1)
    score[rng.random(n) < 0.05] = np.nan
    return score


def _script(rng: Any, n: int, price: Any, tick: float) -> dict[str, Any]:
    """Wishes as columns: mostly none, sometimes nonsense."""
    actions = [np.nan, LONG, SHORT, LEAVE, ORDERED, ORDERED, ORDERED, CANCELS, REPLACES]
    near = price * (1 + rng.normal(0, 0.006, (2, n)))
    odd = np.array([0.0, -1.0, np.nan, np.inf, 1e300, tick / 3, 0.5])

    def sometimes(values: Any, share: float, strange: float = 0.03) -> Any:
        kept = np.where(rng.random(n) < share, values, 0.0)
        return np.where(rng.random(n) < strange, rng.choice(odd, n), kept)

    return {
        "w_action": rng.choice(actions, n, p=[0.3, 0.1, 0.05, 0.05, 0.15, 0.1, 0.1, 0.05, 0.1]),
        "w_side": rng.choice([-1.0, 1.0], n), "w_lots": sometimes(rng.integers(1, 60, n), 0.7),
        "w_limit": sometimes(near[0], 0.4), "w_stop": sometimes(near[1], 0.3),
        "w_back": rng.integers(0, 10, n).astype(float), "w_flags": rng.integers(0, 8, n).astype(float),
        "w_bracket": sometimes(rng.uniform(0.002, 0.03, n), 0.5),
    }  # fmt: skip


@decision(*SCRIPT)
def scripted(view: Any, x: Any, wishes: Any) -> int:
    """What the script says, ids counted back from the next one."""
    if x[0] != x[0]:
        return 0
    w, flags = wishes[0], int(x[6])
    w.action, w.side, w.lots, w.limit, w.stop = int(x[0]), int(x[1]), x[2], x[3], x[4]
    w.id = max(view[0].next_id - int(x[5]), 0)
    w.gtc, w.reduce, w.group = flags & 1, (flags >> 1) & 1, (flags >> 2) & 1
    w.stop_fraction = w.target_fraction = x[7]
    return 1


def scripted_plainly(view: Any) -> Wish | None:
    """The same in plain Python."""
    x = [view[name] for name in SCRIPT]
    if x[0] != x[0]:
        return None
    flags, back = int(x[6]), max(view.next_id - int(x[5]), 0)
    return Wish(
        int(x[0]), x[2], x[3], x[4], x[7], x[7], back, int(x[1]), flags & 1, (flags >> 1) & 1, (flags >> 2) & 1
    )  # fmt: skip


SIZINGS = st.one_of(
    st.builds(fixed_lots, st.sampled_from([1, 25, 400])),
    st.builds(fixed_fraction, st.sampled_from([0.01, 0.04, 0.3])),
    st.builds(volatility_scaled, st.sampled_from([1e-5, 1e-3]), st.sampled_from([0.049, 0.4])),
    st.builds(risk_per_trade, st.sampled_from([0.001, 0.0039]), st.sampled_from([0.049, 0.5])),
)
BRACKETS = [
    ("stop", "target"), ("stop",), ("stop_distances", "target_distances"), ("stop", "target_distances"),
    (),
]  # fmt: skip
EXITS = st.builds(
    lambda kind, stop, target, rows: Exits(**({"max_rows": rows} | dict(zip(kind, (stop, target), strict=False)))),
    st.sampled_from(BRACKETS),
    st.sampled_from([0.003, 0.01, 0.5]), st.sampled_from([0.004, 0.02, 0.6]), st.sampled_from([0, 0, 3]),
)  # fmt: skip
GATES = st.builds(
    lambda hours, flat, start, cool, fresh: Gates(hours[0], hours[1], flat and hours[1] < DAY_NS, start, cool, fresh),
    st.sampled_from([(0, DAY_NS), (0, DAY_NS), (DAY_NS // 4, DAY_NS // 2)]), st.booleans(),
    st.sampled_from([0, DAY_NS // 3]), st.integers(0, 3), st.booleans(),
)  # fmt: skip
LIMITS = st.one_of(
    st.just(Limits.off()), st.just(Limits()),
    st.builds(
        Limits, daily_drawdown=st.sampled_from([0.0005, 0.02]), flatten_on_drawdown=st.booleans(),
        trade_risk=st.sampled_from([0.0004, 0.004, 1.0]),
        stopless_move=st.sampled_from([0.0, 0.05]), position=st.sampled_from([0.02, 0.05, 0.6]),
        gross=st.sampled_from([0.06, 0.5, 2.0]), short_share=st.sampled_from([0.3, 0.5, 2.0]),
        positions=st.integers(1, 3), losses=st.integers(0, 3), pause=st.sampled_from([0, 10 * MINUTE]),
        trades=st.sampled_from([2, 100]),
    ),
)  # fmt: skip


def stopped(policy: Policy) -> Policy:
    """Sizing by risk needs a stop."""
    bare = policy.sizing.method == RISK and not (policy.exits.stop or policy.exits.stop_distances)
    return policy._replace(exits=policy.exits._replace(stop=0.01)) if bare else policy


POLICIES = st.builds(
    Policy, enter=st.sampled_from([0.2, 0.5]), leave=st.sampled_from([-0.2, 0.0, -np.inf]), short=st.booleans(),
    limit_ticks=st.sampled_from([0, 0, 3, 40]), gtc=st.booleans(), sizing=SIZINGS, exits=EXITS, gates=GATES,
    limits=LIMITS,
).map(stopped)  # fmt: skip
COSTS = st.one_of(
    st.just(Costs()),
    st.builds(
        Costs, per_share=st.sampled_from([0.0, 0.005]), per_order=st.sampled_from([0.0, 1.0]),
        minimum=st.sampled_from([0.0, 0.5]), rate=st.sampled_from([0.0, 1e-4]), spread=st.sampled_from([0.0, 1e-3]),
        range_share=st.sampled_from([0.0, 0.1]), borrow=st.sampled_from([0.0, 0.2]),
        participation=st.sampled_from([0.0, 0.05]), latency=st.sampled_from([0, 1, 90_000_000_000]),
        latency_bars=st.integers(0, 2), through_ticks=st.integers(0, 2),
    ),
)  # fmt: skip
EVENTS = st.lists(
    st.tuples(st.integers(0, 119), st.sampled_from(["halt", "reduce", "flatten", "resume", "resume"])), max_size=4
).map(tuple)
WORLDS = st.builds(
    World, seed=st.integers(0, 2**32 - 1), rows=st.integers(2, 120), symbols=st.integers(1, 4),
    kind=st.sampled_from(KINDS), missing=st.sampled_from([0.0, 0.1]), timed=st.booleans(), scripted=st.booleans(),
    policy=POLICIES, costs=COSTS, events=EVENTS, cash=st.just(100_000.0),
)  # fmt: skip
INSTRUMENTS = {"tiny": Instrument(0.0001, 1.0, 10.0), "huge": Instrument(0.01, 0.001)}
