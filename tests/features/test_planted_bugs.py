"""The laws bite: each planted bug is caught by the law it breaks."""

import pytest
from planted import BUGS, PLAIN, SECOND_SIGNATURE

from quantlib import catalog, laws
from quantlib.tapes import tape


def each_law(feature, rows):
    yield lambda: laws.resume(feature, rows, [rows.rows // 3, rows.rows // 2])
    yield lambda: laws.causality(feature, rows, rows.rows // 2)
    yield lambda: laws.silence(feature, rows)
    yield lambda: laws.separation(feature, rows)
    yield lambda: laws.warm_up(feature, rows)
    yield lambda: laws.horizon(feature, rows, rows.rows // 2)
    yield lambda: laws.one_compile([feature], rows)
    yield lambda: laws.purity(feature, rows)


def broken(feature, rows):
    names = set()
    for law in each_law(feature, rows):
        try:
            law()
        except laws.LawBroken as error:
            names.add(error.law)
    return names


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_caught_by_its_law(bug):
    law, feature = BUGS[bug]
    assert law in broken(feature, tape(feature))


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_does_not_pass_the_check(bug):
    with pytest.raises(laws.LawBroken):
        laws.check(BUGS[bug][1])


def test_a_second_signature_is_caught():
    with pytest.raises(laws.LawBroken, match="2 signatures for one shape of memory"):
        laws.one_compile(SECOND_SIGNATURE, tape(SECOND_SIGNATURE[0]))


def test_a_plain_python_function_is_lawful():
    laws.check(PLAIN, rows=120)


def test_a_broken_law_says_where():
    with pytest.raises(
        laws.LawBroken, match=r"causality: look_ahead.out.*column 'out' of row 199 is .* wanted"
    ) as caught:
        laws.causality(BUGS["look_ahead"][1], tape(BUGS["look_ahead"][1], missing=0.0), 200)
    assert (caught.value.row, caught.value.column) == (199, "out")
    assert caught.value.got != caught.value.wanted


@pytest.mark.parametrize("kind", ["calm", "flat", "wild"])
def test_no_law_is_broken_by_a_lawful_feature(kind):
    feature = catalog.short("sma")
    assert broken(feature, tape(feature, kind=kind)) == set()
