"""A strategy is a value: features that make columns, and a policy or a decision that turns them into orders."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any, NamedTuple

from quantlib.core import Feature, check, fingerprint, nearest, title
from quantlib.desk.consult import Decision
from quantlib.desk.policy import VOLATILITY, Policy
from quantlib.jit import Kernel


class Strategy(NamedTuple):
    """What research, backtest and live all run.

    features    in dependency order
    policy      how a score becomes orders, and the limits that hold for every order
    decide      None: the score decides.  Or a compiled `Decision`, or a plain `decide(view) -> wishes`
    score       column in [-1, 1] that the policy reads
    volatility  column (fraction per row) for volatility-scaled sizing
    distance    column (price units) for stops in multiples of it
    name        as reports spell it
    """

    features: tuple[Feature, ...] = ()
    policy: Policy = Policy()
    decide: Decision | Callable[[Any], Any] | None = None
    score: str = "score"
    volatility: str = ""
    distance: str = ""
    name: str = "strategy"

    @property
    def identity(self) -> str:
        """Hex digest of everything that can change an order: features, policy and decision (a function's own code
        and that of functions it names; not what an object with `__call__` holds)."""
        import hashlib

        decided = "score" if self.decide is None else type(self.decide).__qualname__
        if isinstance(self.decide, Decision):
            decided = self.decide.fingerprint
        elif isinstance(self.decide, FunctionType):
            decided = Kernel(self.decide).fingerprint
        spelled = repr((tuple(self.policy), decided, self.score, self.volatility, self.distance))
        return hashlib.sha256((fingerprint(self.features) + spelled).encode()).hexdigest()

    @property
    def horizon(self) -> int:
        """Rows of a symbol's past that its columns hang on: the longest chain of features that read each other."""
        reach: dict[str, int] = {}
        for feature in self.features:
            longest = feature.horizon + max((reach.get(name, 0) for name in feature.inputs), default=0)
            reach |= dict.fromkeys(feature.outputs, longest)
        return max(reach.values(), default=0)


class StrategyError(ValueError):
    """A strategy that asks for columns nobody brings."""


def verify(strategy: Strategy, columns: tuple[str, ...]) -> None:
    """Refuse a strategy whose columns neither the rows nor its features bring.

    Raises:
        StrategyError: naming the column, who reads it and what there is.
    """
    check(strategy.features)
    for feature in strategy.features:
        if feature.clock != "bar":
            raise StrategyError(
                f"{strategy.name}: {title(feature)} runs on {feature.clock} rows, a backtest on bars runs bar features"
            )
    there = {*columns, *(n for f in strategy.features for n in f.outputs)}
    wanted = {"volatility": strategy.volatility, "distance": strategy.distance}
    if strategy.decide is None:
        wanted["score"] = strategy.score
    elif isinstance(strategy.decide, Decision):
        wanted |= {f"decision {strategy.decide.__name__}, column {n}": n for n in strategy.decide.reads}
    for reader, name in wanted.items():
        if name and name not in there:
            raise StrategyError(
                f"{strategy.name}: {reader} reads column {name!r}, which neither rows nor features bring."
                f"{nearest(name, there)} There are {sorted(there)}"
            )
    exits, sizing = strategy.policy.exits, strategy.policy.sizing
    if (exits.stop_distances or exits.target_distances) and not strategy.distance:
        raise StrategyError(f"{strategy.name}: exits in multiples of a distance need distance='column'")
    if sizing.method == VOLATILITY and not strategy.volatility:
        raise StrategyError(f"{strategy.name}: volatility_scaled sizing needs volatility='column'")
