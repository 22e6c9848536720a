"""A user's own plain function as a feature, in one line.

    @feature(memory={"last": nan}, warmup=1, horizon=1)
    def jump(m, close, scale=1.0):
        change = scale * (close - m.last)
        m.last = close
        return change

    quantlib.compute([jump(), jump(scale=100.0, out="cents")], frame)

The function says what happens at one row.  Its first argument is what is remembered of the symbol (only if `memory`
is given), arguments without default are columns read, arguments with default are parameters, and what it returns is
written.  A row with a missing value never reaches it: the outputs are NaN and memory stays.  The loop around it is
written out as source and compiled with it, so it costs what a loop by hand costs and obeys the same laws.
"""

from __future__ import annotations

import inspect
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import cache, update_wrapper
from hashlib import sha256
from math import isnan, nan
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantlib.core import CLOCKS, INTEGERS, Feature, nearest
from quantlib.jit import Kernel, kernel

ALL_ROWS = 2**62  # a horizon for features that forget nothing

Count = int | Callable[[Any], int]  # a number of rows, or how it follows from the parameters


class _Plan(NamedTuple):
    """What the signature and the decorator's arguments say about a function."""

    name: str
    remembers: bool
    inputs: tuple[str, ...]
    defaults: dict[str, int | float]
    outputs: tuple[str, ...]
    blank: NDArray[Any]
    warmup: Count
    horizon: Count
    clock: str


class Maker:
    """A factory of features made from a plain function: call it with parameters, other columns, other names.

    `jump(scale=2.0, close="vwap", out="vwap_jump")` reads `vwap` where the function says `close` and writes
    `vwap_jump`.  The function itself is `.function`.
    """

    function: Any

    def __init__(self, function: FunctionType, plan: _Plan, compiled: bool) -> None:
        self.function = function
        self.plan = plan
        kinds = tuple((name, type(value)) for name, value in plan.defaults.items())
        self.Params = _params_class(function.__module__, function.__qualname__, kinds)
        self.loop = _compiled(function, plan) if compiled else PlainLoop(function, plan)
        update_wrapper(self, function)

    def __call__(self, *, out: str | Sequence[str] | None = None, **given: Any) -> Feature:
        """The feature.

        Args:
            out: names of the columns written, by default the function's or those of `outputs`.
            given: parameters by name, and `column_argument="other_column"`.

        Raises:
            ValueError: if a name is unknown, a parameter is no number, or `out` has another number of names.
        """
        plan = self.plan
        for name in given:
            if name not in plan.defaults and name not in plan.inputs:
                known = [*plan.defaults, *plan.inputs, "out"]
                raise ValueError(f"{plan.name}: no argument {name!r}; it takes {known}.{nearest(name, known)}")
        for name in plan.inputs:
            if not isinstance(given.get(name, name), str):
                raise ValueError(f"{plan.name}: {name} names a column, got {given[name]!r}")
        params = self.Params(**{n: _number(plan, n, given.get(n, v)) for n, v in plan.defaults.items()})
        outputs = (out,) if isinstance(out, str) else plan.outputs if out is None else tuple(out)
        if len(outputs) != len(plan.outputs):
            raise ValueError(f"{plan.name}: it writes {len(plan.outputs)} columns, out has {len(outputs)}: {outputs}")
        return Feature(
            self.loop,
            params,
            plan.blank,
            tuple(given.get(n, n) for n in plan.inputs),
            outputs,
            plan.warmup(params) if callable(plan.warmup) else plan.warmup,
            plan.horizon(params) if callable(plan.horizon) else plan.horizon,
            plan.clock,
        )

    def __repr__(self) -> str:
        return f"<feature maker {self.plan.name}({', '.join([*self.plan.inputs, *self.plan.defaults])})>"


def feature(
    *,
    memory: Mapping[str, Any] | None = None,
    outputs: Sequence[str] = (),
    warmup: Count = 0,
    horizon: Count | None = None,
    clock: str = "bar",
) -> Callable[[Callable[..., Any]], Maker]:
    """Decorate a function of one row; it is compiled at first use.

    Args:
        memory: name -> first value of what is remembered of a symbol: a number, kept as float64, or an array of fixed
            length. What shall be an integer begins as one: np.int64(0).
        outputs: columns written, when there are several; the function then returns a tuple.
        warmup: rows of a symbol before the first that gets finite outputs, or a function of the parameters.
        horizon: rows of the past that still matter, likewise; by default none without memory, all with it.
        clock: the rows it runs on.

    Raises:
        ValueError: if the signature or a value is not as the module says.
    """

    def decorated(function: Callable[..., Any]) -> Maker:
        return Maker(_plain(function), _plan(_plain(function), memory, outputs, warmup, horizon, clock), True)

    return decorated


def python_feature(
    *,
    memory: Mapping[str, Any] | None = None,
    outputs: Sequence[str] = (),
    warmup: Count = 0,
    horizon: Count | None = None,
    clock: str = "bar",
) -> Callable[[Callable[..., Any]], Maker]:
    """As `feature`, but the function stays plain Python: it may do anything, at the price of a call for every row."""

    def decorated(function: Callable[..., Any]) -> Maker:
        return Maker(_plain(function), _plan(_plain(function), memory, outputs, warmup, horizon, clock), False)

    return decorated


class PlainLoop:
    """The resumable loop around a function that is not compiled."""

    def __init__(self, function: FunctionType, plan: _Plan) -> None:
        self.function, self.plan = function, plan
        self.__name__ = plan.name
        self.spelled = f"<plain loop {plan.name} {kernel(function).fingerprint}>"

    def __repr__(self) -> str:  # part of core.fingerprint, so the code is in it
        return self.spelled

    def __call__(self, p: Any, memory: NDArray[Any], symbol: NDArray[Any], *columns: NDArray[Any]) -> None:
        count = len(self.plan.inputs)
        inputs, outputs = columns[:count], columns[count:]
        records = memory.view(np.recarray)
        for i in range(len(symbol)):
            row = [c[i].item() for c in inputs]
            if any(isnan(v) for v in row):
                for out in outputs:
                    out[i] = nan
                continue
            remembered = (records[symbol[i]],) if self.plan.remembers else ()
            answer = self.function(*remembered, *row, *p)
            for out, value in zip(outputs, answer if len(outputs) > 1 else (answer,), strict=True):
                out[i] = value


def _compiled(function: FunctionType, plan: _Plan) -> Kernel:
    """The loop's source around the function, as a kernel of the function's own module."""
    ins = [f"in_{k}" for k in range(len(plan.inputs))]
    outs = [f"out_{k}" for k in range(len(plan.outputs))]
    missing = [f"isnan({c}[i])" for c, name in zip(ins, plan.inputs, strict=True) if name not in INTEGERS]
    remembered = ["memory[symbol[i]]"] if plan.remembers else []
    call = ", ".join(remembered + [f"{c}[i]" for c in ins] + [f"p.{name}" for name in plan.defaults])
    lines = [
        f"def loop({', '.join(['p', 'memory', 'symbol', *ins, *outs])}):",
        "    for i in range(symbol.size):",
        f"        if {' or '.join(missing) or 'False'}:",
        *(f"            {c}[i] = nan" for c in outs),
        "            continue",
        f"        {', '.join(f'{c}[i]' for c in outs)} = step({call})",
    ]
    scope: dict[str, Any] = {"isnan": isnan, "nan": nan, "step": kernel(function), "__name__": function.__module__}
    exec(compile("\n".join(lines), f"<feature {plan.name}>", "exec"), scope)
    loop = scope["loop"]
    loop.__name__, loop.__qualname__ = plan.name, f"{function.__qualname__}.loop"
    return kernel(loop)


@cache
def _params_class(module: str, qualname: str, kinds: tuple[tuple[str, type], ...]) -> Any:
    """The NamedTuple of a function's parameters, made once: a notebook cell that runs again finds its class again.

    Numba takes two NamedTuples of one name for each other and then looks closer at every call, which is slow, so
    the name is like no other.
    """
    unlike = sha256(repr((module, qualname, kinds)).encode()).hexdigest()[:12]
    made: Any = namedtuple(f"Params_{unlike}", [name for name, _ in kinds])  # type: ignore[misc]
    made.__annotations__ = dict(kinds)
    made.__module__, made.__qualname__ = module, f"{qualname}.Params"
    return made


def _plan(
    function: FunctionType,
    memory: Mapping[str, Any] | None,
    outputs: Sequence[str],
    warmup: Count,
    horizon: Count | None,
    clock: str,
) -> _Plan:
    name = function.__name__
    if clock not in CLOCKS:
        raise ValueError(f"{name}: no clock {clock!r}; there are {list(CLOCKS)}.{nearest(clock, CLOCKS)}")
    arguments = list(inspect.signature(function).parameters.values())
    for a in arguments:
        if a.kind is not a.POSITIONAL_OR_KEYWORD:
            raise ValueError(f"{name}: argument {a} must be plain: a column, or a parameter with a default")
    if memory:
        if not arguments or arguments[0].default is not inspect.Parameter.empty:
            raise ValueError(f"{name}: with memory given its first argument is what is remembered: def {name}(m, …)")
        arguments = arguments[1:]
    inputs = tuple(a.name for a in arguments if a.default is inspect.Parameter.empty)
    if not inputs or "symbol" in inputs or "out" in inputs:
        raise ValueError(f"{name}: it must read at least one column, and none named symbol or out, got {inputs}")
    defaults = {a.name: a.default for a in arguments if a.default is not inspect.Parameter.empty}
    for parameter, value in defaults.items():
        if type(value) not in (int, float):
            raise ValueError(f"{name}: parameter {parameter} must be a number, got {value!r}")
    horizon = horizon if horizon is not None else ALL_ROWS if memory else 0
    blank = _blank(name, memory or {"nothing": 0})
    return _Plan(name, bool(memory), inputs, defaults, tuple(outputs) or (name,), blank, warmup, horizon, clock)


def _blank(name: str, memory: Mapping[str, Any]) -> NDArray[Any]:
    fields: list[tuple[Any, ...]] = []
    for field, value in memory.items():
        first = np.asarray(value)
        if first.dtype.kind not in "iufb":
            raise ValueError(f"{name}: memory {field} must begin as a number or an array of numbers, got {value!r}")
        kind = np.dtype(np.float64) if type(value) in (int, float, bool) else first.dtype  # an i8 would cut 0.5 to 0
        fields.append((field, kind, first.shape) if first.shape else (field, kind))
    blank = np.zeros((), fields)
    for field, value in memory.items():
        blank[field] = value
    return blank


def _number(plan: _Plan, name: str, value: Any) -> int | float:
    kind = type(plan.defaults[name])
    if isinstance(value, (bool, str)) or not np.isscalar(value) or (kind is int and value != int(value)):  # type: ignore[arg-type]
        raise ValueError(f"{plan.name}: {name} must be {'an int' if kind is int else 'a number'}, got {value!r}")
    return kind(value)  # type: ignore[arg-type]


def _plain(function: Any) -> FunctionType:
    if not isinstance(function, FunctionType):
        raise ValueError(f"feature: wants a plain function, got {function!r}; write @feature(), with parentheses")
    return function
