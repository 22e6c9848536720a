"""Every feature and signal of the catalog faces every law."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from laws import cuts, row, tapes

from quantlib import catalog, laws
from quantlib.tapes import tape

every = pytest.mark.parametrize("name", catalog.names())


@every
@given(data=st.data())
def test_stopping_anywhere_and_resuming_changes_no_bit(name, data):
    feature = catalog.short(name)
    rows = data.draw(tapes(feature))
    laws.resume(feature, rows, data.draw(cuts(rows)))


@every
@given(data=st.data())
def test_what_comes_later_changes_nothing_before(name, data):
    feature = catalog.short(name)
    rows = data.draw(tapes(feature))
    laws.causality(feature, rows, data.draw(row(rows)))


@every
@given(data=st.data())
def test_a_missing_row_is_invisible(name, data):
    feature = catalog.short(name)
    laws.silence(feature, data.draw(tapes(feature)))


@every
@given(data=st.data())
def test_symbols_do_not_touch_each_other(name, data):
    feature = catalog.short(name)
    laws.separation(feature, data.draw(tapes(feature)))


@every
@given(data=st.data())
def test_outputs_are_finite_exactly_from_the_warmup_on(name, data):
    feature = catalog.short(name)
    laws.warm_up(feature, data.draw(tapes(feature)))


@every
@given(data=st.data())
def test_what_lies_beyond_the_horizon_is_forgotten(name, data):
    feature = catalog.short(name)
    kinds = ("calm",) if feature.recursive else ("calm", "flat", "wild")
    rows = data.draw(tapes(feature, most=400 if feature.recursive else 200, kinds=kinds))
    laws.horizon(feature, rows, data.draw(row(rows)) // 2)


@every
@given(data=st.data())
def test_what_is_given_stays_as_it_was(name, data):
    feature = catalog.short(name)
    laws.purity(feature, data.draw(tapes(feature)))


@every
@given(data=st.data())
def test_a_kernel_compiles_once(name, data):
    one, other = catalog.short(name), catalog.feature(name)
    laws.one_compile([one, other], data.draw(tapes(one, most=60)) if one.inputs == other.inputs else tape(other))


@every
@pytest.mark.parametrize("seed", range(3))
def test_the_defaults_are_lawful_over_long_tapes(name, seed):
    laws.check(catalog.feature(name), seed=seed)
