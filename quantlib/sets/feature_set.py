"""Feature sets: named, versioned, and verified wherever they are met again.

A set is a name and a tuple of features.  Its version is a hash of their definitions: code of every kernel, parameters,
columns and what they remember at first.  A model or a session that used a set keeps its `record`, plain numbers and
text for JSON, and what is loaded beside a set of another version is refused with the features that differ.

    used = classic_60()
    text = json.dumps(used.record())           # into the model's file
    used.verify(json.loads(text))              # at load
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from quantlib.core import CLOCKS, Feature, FeatureError, check, fingerprint, inputs_of, typed
from quantlib.features.rows import FOREVER

DIGITS = 16  # of the hash, in a version
SPELLED: dict[str, type] = {
    "feature": str, "clock": str, "scope": str, "inputs": list, "outputs": list, "parameters": Mapping, "code": str,
}  # fmt: skip


class SetError(ValueError):
    """A record that is not of this feature set: which feature differs, and in what."""


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """Features under a name.

    name      what people call it
    features  of any clocks; those of one clock in dependency order

    Raises:
        FeatureError: if features of one clock do not fit each other, or two write one column.
    """

    name: str
    features: tuple[Feature, ...]

    def __post_init__(self) -> None:
        if not self.name or not self.features:
            raise FeatureError(f"FeatureSet: wants a name and at least one feature, got {self.name!r}")
        seen: set[str] = set()
        for clock in CLOCKS:
            mine = self.of(clock)
            check(mine)
            both = seen & {name for f in mine for name in f.outputs}
            if both:
                raise FeatureError(f"FeatureSet {self.name}: columns {sorted(both)} are written on two clocks")
            seen |= {name for f in mine for name in f.outputs}

    @property
    def version(self) -> str:
        """Hex digits that are equal if and only if the same numbers come out of the same rows."""
        return fingerprint(self.features)[:DIGITS]

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns that rows must bring, all clocks together."""
        return tuple(dict.fromkeys(name for clock in CLOCKS for name in inputs_of(self.of(clock))))

    @property
    def outputs(self) -> tuple[str, ...]:
        """The columns that come out, in order."""
        return tuple(name for f in self.features for name in f.outputs)

    @property
    def warmup(self) -> int:
        """Rows of a symbol before every output is finite, those of features that read others' columns included."""
        rows: dict[str, int] = {}
        for f in self.features:
            waited = max((rows.get(name, 0) for name in f.inputs), default=0)
            rows |= dict.fromkeys(f.outputs, f.warmup + waited)
        return max(rows.values())

    def of(self, clock: str) -> tuple[Feature, ...]:
        """The features that run on one clock."""
        return tuple(f for f in self.features if f.clock == clock)

    def record(self) -> dict[str, Any]:
        """What a model or session keeps: name, version, and of each feature all that its version is made of."""
        return {"set": self.name, "version": self.version, "features": [_recorded(f) for f in self.features]}

    def verify(self, record: Mapping[str, Any]) -> None:
        """Refuse a record of another set or version, or one whose features are not those of its version.

        Raises:
            SetError: if the record is none, or says of which features this set differs from it, and in what.
        """
        if not isinstance(record, Mapping):
            raise SetError(
                f"FeatureSet {self.name}: a record is a mapping, as `record()` writes it, got {record!r:.80}"
            )
        missing = {"set", "version", "features"} - set(record)
        if missing:
            raise SetError(f"FeatureSet {self.name}: the record lacks {sorted(missing)}; `record()` writes them")
        ours, theirs = [_recorded(f) for f in self.features], record["features"]
        if not _is_recorded(theirs):
            raise SetError(f"FeatureSet {self.name}: the record's features are not as `record()` writes them")
        same = record["version"] == self.version
        if same and list(map(_spelled, ours)) == list(map(_spelled, theirs)):
            return
        told = "; ".join(differences(ours, theirs))
        if same:
            raise SetError(
                f"FeatureSet {self.name} {self.version}: the record names this version, but its features are others: "
                f"{told}. It was changed after it was written; fit anew, or take the record that was kept"
            )
        raise SetError(
            f"FeatureSet {self.name} {self.version}: the record is of {record['set']} {record['version']}: "
            f"{told}. Load it with the library that wrote it, or fit anew on this set"
        )

    def describe(self) -> pl.DataFrame:
        """One row per feature: its name, clock, inputs, outputs, parameters, warm-up, horizon (null if it never
        forgets) and the hash of its code.
        """
        rows = [
            {name: recorded[name] for name in ("feature", "clock", "inputs", "outputs")}
            | {
                "parameters": ", ".join(f"{k}={v:g}" for k, v in recorded["parameters"].items()),
                "warmup": f.warmup,
                "horizon": None if f.horizon >= FOREVER else f.horizon,
                "code": recorded["code"],
            }
            for f, recorded in zip(self.features, map(_recorded, self.features), strict=True)
        ]
        return pl.DataFrame(rows, schema_overrides={"horizon": pl.Int64})


def _recorded(feature: Feature) -> dict[str, Any]:
    """A feature as plain text and numbers; `code` is what is left of its fingerprint without name, columns, numbers."""
    params = typed(feature.params)
    names = getattr(params, "_fields", tuple(str(k) for k in range(len(params))))
    bare = feature._replace(params=(), inputs=(), outputs=(), clock="", scope="")
    return {
        "feature": getattr(feature.kernel, "__name__", "feature").strip("_"),
        "clock": feature.clock,
        "scope": feature.scope,
        "inputs": list(feature.inputs),
        "outputs": list(feature.outputs),
        "parameters": dict(zip(names, params, strict=True)),
        "code": fingerprint([bare])[:DIGITS],
    }


def _spelled(recorded: Mapping[str, Any]) -> list[str]:
    """A recorded feature as text that is equal for equal ones, NaN and any order of its parameters included."""
    rest = [repr(recorded[name]) for name in SPELLED if name != "parameters"]
    return [*rest, repr(sorted(recorded["parameters"].items()))]


def _is_recorded(features: Any) -> bool:
    """Whether these are features as `_recorded` spells them."""
    return isinstance(features, Sequence) and all(
        isinstance(f, Mapping)
        and all(isinstance(f.get(name), kind) for name, kind in SPELLED.items())
        and all(isinstance(name, str) for name in f["outputs"])
        for f in features
    )


def differences(ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]]) -> list[str]:
    """What to tell of two records' features: those on one side only, and what differs in the others."""
    here = {tuple(f["outputs"]): f for f in ours}
    there = {tuple(f["outputs"]): f for f in theirs}
    told = [f"{_named(f)} is only in the record" for key, f in there.items() if key not in here]
    told += [f"{_named(f)} is not in the record" for key, f in here.items() if key not in there]
    for key in (k for k in here if k in there):
        one, other = here[key], there[key]
        told += [
            f"{_named(one)} has {what} {one[what]!r}, in the record {other[what]!r}"
            for what in ("feature", "clock", "scope", "inputs")
            if one[what] != other[what]
        ]
        names = dict.fromkeys([*one["parameters"], *other["parameters"]])
        told += [
            f"{_named(one)} has {p}={one['parameters'].get(p)}, in the record {p}={other['parameters'].get(p)}"
            for p in names
            if repr(one["parameters"].get(p)) != repr(other["parameters"].get(p))
        ]
        if one["code"] != other["code"] and one["feature"] == other["feature"]:
            told.append(f"{_named(one)} has other code than when it was recorded")
    return told or ["the same features in another order"]


def _named(recorded: Mapping[str, Any]) -> str:
    return f"{recorded['feature']}({', '.join(recorded['outputs'])})"
