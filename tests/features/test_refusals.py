"""What every factory refuses with a ValueError that begins with its name: each wrong value at each of its doors."""

import inspect

import numpy as np
import pytest

from quantlib import catalog
from quantlib.features.models.garch import Garch, garch
from quantlib.features.models.kalman import LocalLevel, local_level
from quantlib.features.rows import known_clock, level_count, number, row_count, whole

FEATURES = [
    name for name in catalog.names() if catalog.CATALOG[name].factory.__module__.startswith("quantlib.features")
]
SWITCHES = {("corwin_schultz", "overnight")}


def doors(kind):
    """(feature, argument) of all whose default is of that class."""
    for name in FEATURES:
        for argument, known in inspect.signature(catalog.CATALOG[name].factory).parameters.items():
            if type(known.default) is kind and (name, argument) not in SWITCHES:
                yield pytest.param(name, argument, id=f"{name}-{argument}")


def refuse(name, **wrong):
    with pytest.raises(ValueError, match=rf"^\w+: .*{next(iter(wrong))}"):
        catalog.feature(name, **wrong)


@pytest.mark.parametrize(("name", "argument"), list(doors(int)))
def test_a_count_is_a_whole_number_that_fits(name, argument):
    for wrong in (True, np.True_, 2**70, -1, 0.5, float("nan"), "x", None):
        refuse(name, **{argument: wrong})


@pytest.mark.parametrize(("name", "argument"), list(doors(float)))
def test_a_number_is_no_text_no_truth_value_and_no_nan(name, argument):
    for wrong in (True, "x", None, [1.0], 1j, float("nan"), 10**400):
        refuse(name, **{argument: wrong})


def test_the_doors_are_many():
    assert len(list(doors(int))) > 120
    assert len(list(doors(float))) > 40


CLOCKED = [n for n in FEATURES if "clock" in inspect.signature(catalog.CATALOG[n].factory).parameters]


@pytest.mark.parametrize("name", CLOCKED)
def test_a_clock_is_one_that_there_is(name):
    with pytest.raises(ValueError, match=rf"^{name}: clock must be one of .*, got 'trades'. Did you mean 'trade'"):
        catalog.feature(name, clock="trades")
    with pytest.raises(ValueError, match=rf"^{name}: clock must be one of"):
        catalog.feature(name, clock=["trade"])
    assert catalog.feature(name, clock="quote").clock == "quote"


@pytest.mark.parametrize("name", ["garch", "local_level", "local_trend", "hedge_ratio"])
def test_parameters_are_of_the_class_that_they_belong_to(name):
    for wrong in (1, None, "x", (1.0, 2.0)):
        with pytest.raises(ValueError, match=rf"^{name}: params must be of class \w+, got"):
            catalog.feature(name, params=wrong)


def test_a_field_of_parameters_is_a_number():
    with pytest.raises(ValueError, match="garch: alpha must be a number, got 'x'"):
        garch(Garch(1e-6, "x", 0.9, 1e-4))
    with pytest.raises(ValueError, match="local_level: noise must be a number, got None"):
        local_level(LocalLevel(None))


@pytest.mark.parametrize("name", ["minute_of_session", "time_to_close"])
def test_hours_are_hours(name):
    with pytest.raises(ValueError, match=r"hours must be of class Hours, got 1"):
        catalog.feature(name, hours=1)


@pytest.mark.parametrize("wrong", [float("nan"), "x", 0.5, None, 1])
def test_a_switch_is_on_or_off(wrong):
    with pytest.raises(ValueError, match="corwin_schultz: overnight must be of class bool"):
        catalog.feature("corwin_schultz", overnight=wrong)


def test_an_anchor_is_whole_nanoseconds():
    with pytest.raises(ValueError, match=r"anchored_vwap: anchor must be a whole number of nanoseconds, got 0.5"):
        catalog.feature("anchored_vwap", anchor=0.5)
    assert catalog.feature("anchored_vwap", anchor=np.int64(2**60)).params.first == 2**60


@pytest.mark.parametrize("name", ["imbalance", "depth_change", "ofi_levels", "spoofing", "vacuum"])
def test_a_book_has_at_most_a_thousand_levels(name):
    with pytest.raises(ValueError, match=rf"{name}: levels must be at most 1000, got 1001"):
        catalog.feature(name, levels=1001)
    with pytest.raises(ValueError, match="levels must be at most 1000"):
        catalog.feature(name, levels=2**40)


def test_a_forecast_ends_somewhere():
    with pytest.raises(ValueError, match="garch: ahead must be at most 100000, got 1099511627776"):
        garch(ahead=2**40)
    assert garch(ahead=100_000).params.over_share > 1.0


def test_a_date_of_no_kind_is_refused():
    with pytest.raises(ValueError, match="distance_to_event: a date is written"):
        catalog.feature("distance_to_event", dates=1)


def test_what_is_right_passes():
    assert row_count("f", "n", np.int32(7)) == row_count("f", "n", 7) == 7
    assert row_count("f", "n", 2**40) == 2**40
    assert level_count("f", "levels", 1000) == 1000
    assert whole("f", "at", 2**62, "nanoseconds") == 2**62
    assert number("f", "x", np.float32(0.5)) == 0.5
    assert number("f", "x", 3) == 3.0
    assert known_clock("f", "chain") == "chain"
