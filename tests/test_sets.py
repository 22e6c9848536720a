"""A feature set knows its version, and tells what differs from a record."""

import json

import numpy as np
import pytest

from quantlib import sets
from quantlib.core import Feature, FeatureError, run, start
from quantlib.features import ema, sma
from quantlib.features.models.garch import fit_garch, garch
from quantlib.features.models.refit import refitted
from quantlib.features.rows import FOREVER
from quantlib.jit import kernel
from quantlib.sets import FeatureSet, SetError
from quantlib.signals import crossover
from quantlib.tapes import tape

PAIR = (sma(5, out="fast"), sma(20, out="slow"))


@kernel
def _double(p, memory, symbol, price, out):
    for i in range(price.size):
        out[i] = 2.0 * price[i]


@kernel
def _twice(p, memory, symbol, price, out):
    for i in range(price.size):
        out[i] = price[i] + price[i]


_twice.__name__ = "_double"


def through_json(used):
    return json.loads(json.dumps(used.record()))


@pytest.mark.parametrize("name", sets.SETS)
def test_a_named_set_verifies_what_it_recorded(name):
    used = sets.named(name)
    used.verify(through_json(used))
    used.verify(json.loads(json.dumps(used.record(), sort_keys=True)))
    assert sets.named(name).version == used.version


def test_classic_60_is_sixty_features_of_bars():
    used = sets.classic_60()
    assert len(used.features) == 60
    assert {f.clock for f in used.features} == {"bar"}
    assert set(used.inputs) == {"open", "high", "low", "close", "volume"}


def test_a_named_set_runs_and_is_finite_after_its_warmup():
    used = sets.classic_60()
    reads_all = Feature(None, (), used.features[0].blank, used.inputs, ("none",), 0, 0)
    rows = tape(reads_all, used.warmup + 40, 1, missing=0.0)
    _, written = run(used.features, start(used.features, rows.symbols), rows.columns)
    assert tuple(written) == used.outputs
    late = {name: np.isfinite(column[used.warmup :]).all() for name, column in written.items()}
    assert all(late.values()), [name for name, fine in late.items() if not fine]


def test_the_warmup_of_a_chain_is_that_of_all_its_links():
    chain = FeatureSet("chain", (sma(5, out="mean"), sma(3, price="mean", out="again")))
    assert chain.warmup == 4 + 2
    _, written = run(chain.features, start(chain.features, ["X"]), {"close": np.arange(1.0, 20.0)})
    assert np.isnan(written["again"][5])
    assert np.isfinite(written["again"][6])


def test_a_version_changes_with_name_of_columns_parameters_code_and_order():
    first = FeatureSet("one", PAIR)
    double = Feature(_double, (), sma().blank, ("close",), ("out",), 0, 0)
    others = [
        FeatureSet("one", PAIR[::-1]),
        FeatureSet("one", PAIR[:1]),
        FeatureSet("one", (sma(6, out="fast"), PAIR[1])),
        FeatureSet("one", (ema(5, out="fast"), PAIR[1])),
        FeatureSet("one", (sma(5, price="open", out="fast"), PAIR[1])),
        FeatureSet("one", (double,)),
        FeatureSet("one", (double._replace(kernel=_twice),)),
    ]
    assert len({s.version for s in [first, *others]}) == len(others) + 1
    assert FeatureSet("other", PAIR).version == first.version  # the name is no part of it


@pytest.mark.parametrize(
    ("features", "told"),
    [
        ((sma(6, out="fast"), PAIR[1]), r"sma\(fast\) has n=6, in the record n=5"),
        ((sma(5, price="open", out="fast"), PAIR[1]), r"sma\(fast\) has inputs \['open'\], in the record \['close'\]"),
        ((ema(5, out="fast"), PAIR[1]), r"ema\(fast\) has feature 'ema', in the record 'sma'"),
        (PAIR[:1], r"sma\(slow\) is only in the record"),
        ((*PAIR, sma(9, out="third")), r"sma\(third\) is not in the record"),
        (PAIR[::-1], "the same features in another order"),
    ],
)
def test_a_record_of_another_set_is_refused_with_what_differs(features, told):
    record = through_json(FeatureSet("pair", PAIR))
    other = FeatureSet("pair", features)
    with pytest.raises(SetError, match=told) as caught:
        other.verify(record)
    assert record["version"] in str(caught.value)
    assert other.version in str(caught.value)


def test_other_code_is_told():
    double = Feature(_double, (), sma().blank, ("close",), ("out",), 0, 0)
    record = through_json(FeatureSet("own", (double,)))
    with pytest.raises(SetError, match=r"double\(out\) has other code than when it was recorded"):
        FeatureSet("own", (double._replace(kernel=_twice),)).verify(record)


def test_a_record_that_is_none_is_refused():
    with pytest.raises(SetError, match=r"the record lacks \['features', 'version'\]"):
        FeatureSet("pair", PAIR).verify({"set": "pair"})
    for none in (None, 3, "pair"):
        with pytest.raises(SetError, match="FeatureSet pair: a record is a mapping"):
            FeatureSet("pair", PAIR).verify(none)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda features: [],
            r"names this version.*sma\(fast\) is not in the record; sma\(slow\) is not in the record",
        ),
        (lambda features: features[::-1], "names this version.*the same features in another order"),
        (lambda features: features * 2, "names this version"),
        (lambda features: [features[0] | {"parameters": {"n": 6}}, features[1]], "has n=5, in the record n=6"),
        (lambda features: [features[0] | {"code": "0"}, features[1]], "has other code"),
        (lambda features: None, "the record's features are not as"),
        (lambda features: [{"outputs": ["fast"]}], "the record's features are not as"),
        (lambda features: [features[0] | {"parameters": None}], "the record's features are not as"),
    ],
)
def test_a_record_that_was_changed_is_refused_though_it_names_this_version(change, told):
    used = FeatureSet("pair", PAIR)
    record = through_json(used)
    with pytest.raises(SetError, match=told):
        used.verify(record | {"features": change(record["features"])})


def test_a_refitted_feature_has_its_place_in_a_set():
    used = FeatureSet("fitted", (refitted(garch, fit_garch, rows=100),))
    used.verify(through_json(used))
    with pytest.raises(SetError, match="has other code"):
        FeatureSet("fitted", (refitted(garch, fit_garch, rows=101),)).verify(through_json(used))


def test_features_that_do_not_fit_make_no_set():
    with pytest.raises(FeatureError, match="already written"):
        FeatureSet("twice", (sma(), sma()))
    with pytest.raises(FeatureError, match="wants a name and at least one feature"):
        FeatureSet("", PAIR)
    with pytest.raises(FeatureError, match=r"columns \['sma'\] are written on two clocks"):
        FeatureSet("two", (sma(), sma()._replace(clock="trade")))
    with pytest.raises(ValueError, match=r"no set 'clasic_60'.*Did you mean 'classic_60'"):
        sets.named("clasic_60")


def test_a_description_has_a_row_for_each_feature():
    used = FeatureSet("all", (*PAIR, crossover(), garch()))
    frame = used.describe()
    assert frame["feature"].to_list() == ["sma", "sma", "crossover", "garch"]
    assert frame["outputs"].to_list()[0] == ["fast"]
    assert frame["parameters"][1] == "n=20"
    assert frame["horizon"][0] == 4
    assert FeatureSet("none", (sma()._replace(horizon=FOREVER),)).describe()["horizon"][0] is None
    assert used.inputs == ("close",)
    assert used.outputs[:3] == ("fast", "slow", "score")
