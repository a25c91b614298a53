"""No small count can be worked out of what is shown: not by sums, not by the rule, not from several tables or periods.

Whoever reads is taken to know the rule and every number that is shown, and to lack only the secret order.
"""

from datetime import date
from fractions import Fraction
from itertools import permutations, product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cases.kernel import casetypes
from cases.kernel.reading import smallcells
from cases.kernel.timing import quarters
from cases.reports.figures import tables
from tests.length import times

SMALL = range(1, 10)
CELLS = "abcdef"
settings.register_profile("cells", max_examples=times(200, 3000), deadline=None)
OF_CELLS = settings.get_profile("cells")
counts = st.dictionaries(st.sampled_from(CELLS), st.one_of(st.integers(0, 12), st.integers(0, 60)), max_size=len(CELLS))
orders = st.permutations(CELLS).map(lambda drawn: drawn.index)


@pytest.mark.parametrize(
    ("counted", "shown", "pooled"),
    [
        ({"a": 40, "b": 25}, {"a": 40, "b": 25}, 0),
        ({"a": 40, "b": 0}, {"a": 40}, 0),
        ({}, {}, 0),
        # One small count would be what the others leave: the first in the secret order goes with it.
        ({"a": 40, "b": 25, "c": 3}, {"b": 25}, 43),
        # Two of nine hide each other; two that make ten do not, since neither can be ten or more.
        ({"a": 40, "b": 9, "c": 9}, {"a": 40}, 18),
        ({"a": 40, "b": 9, "c": 1}, {}, 50),
        # Ten counts of one make ten, and could only be ten times one.
        ({"a": 40, **dict.fromkeys("bcdefghijk", 1)}, {}, 50),
    ],
)
def test_what_is_small_is_pooled_with_what_hides_it(counted, shown, pooled):
    found = smallcells.published(counted, order=str)
    assert (found.shown, found.pooled, found.total) == (shown, pooled, sum(counted.values()))


@pytest.mark.parametrize("counted", [{"a": 9}, {"a": 4, "b": 5}, {"a": 1, "b": 9}])
def test_what_is_too_few_is_not_shown_at_all(counted):
    assert smallcells.published(counted, order=str) is None


@OF_CELLS
@given(counts, orders)
def test_nothing_below_ten_is_shown_and_the_sum_is_kept(counted, order):
    found = smallcells.published(counted, order=order)
    if found is None:
        assert all(count < 10 for count in counted.values())
        return
    assert all(count == counted[cell] >= 10 for cell, count in found.shown.items())
    assert found.pooled == 0 or found.pooled >= 11
    assert found.total == sum(counted.values())


def others(counted, found):
    """Yield other counts with which the same might have been shown under some order: of each two that are pooled, one
    of them one and the other what is left, and all between; and each as large as it could be beside ones."""
    pool = [cell for cell, count in counted.items() if count and cell not in found.shown]
    for one, other in permutations(pool, 2):
        for count in (*SMALL, counted[one] + counted[other] - 1):
            if 0 < count < counted[one] + counted[other]:
                yield {**counted, one: count, other: counted[one] + counted[other] - count}
    yield from (as_large_as_can_be(counted, found, cell) for cell in pool)


def as_large_as_can_be(counted, found, cell):
    """The counts with every other pooled one being one."""
    pool = [each for each, count in counted.items() if count and each not in found.shown]
    return {**counted, **dict.fromkeys(pool, 1), cell: found.pooled - len(pool) + 1}


def can_show(counted, found):
    """Say whether some order shows exactly this of the counts. The order decides the first large count alone."""
    firsts = [cell for cell, count in counted.items() if count >= 10] or ["a"]
    shown = (smallcells.published(counted, order=lambda cell, first=first: cell != first) for first in firsts)
    return any(each == found for each in shown)


@OF_CELLS
@given(counts, orders)
@example(dict.fromkeys("abcd", 9), CELLS.index)  # of these, no two alone could be otherwise
def test_whoever_knows_the_rule_cannot_say_how_large_a_small_count_is_nor_that_it_is_small(counted, order):
    found = smallcells.published(counted, order=order)
    if found is None or not found.pooled:
        return
    alike = [each for each in others(counted, found) if can_show(each, found)]
    for cell, count in counted.items():
        if count in SMALL:
            values = {each[cell] for each in alike} | {count}
            assert len(values) > 1, (cell, values)
            assert any(value >= 10 for value in values)


def test_the_order_is_a_secret_that_stays():
    order = smallcells.by_secret("2026-q3/fraud_referral/state")
    cells = [f"cell-{number}" for number in range(20)]
    assert sorted(cells, key=order) == sorted(cells, key=smallcells.by_secret("2026-q3/fraud_referral/state"))
    assert sorted(cells, key=order) != sorted(cells, key=smallcells.by_secret("2026-q3/fraud_referral/outcome"))
    assert sorted(cells, key=order) != cells


# What is known of one invented case: its kind, whether and how it ended, when it was opened, what was bought and how.
KINDS = {"fraud_referral": ("referred", "filed"), "check": ("received", "decided")}
MONTHS = ("2026-07-01", "2026-08-01")
SORTS = (sorted(KINDS), (False, True), MONTHS, "xyz", "uv")
cases = st.tuples(*map(st.sampled_from, SORTS))
# Many alike and few apart, which is what gives small counts beside large ones.
quarter_of_cases = st.lists(st.tuples(cases, st.sampled_from([1, 2, 5, 9, 11, 30])), min_size=1, max_size=12)


def cells_of(case):
    """Return in which cells of which tables a case is counted, by its kind."""
    kind, is_closed, month, bought, ordered = case
    state = KINDS[kind][is_closed]
    return kind, {
        "all": "all",
        "standing": "closed" if is_closed else "open",
        "outcome" if is_closed else "state": state,
        "closed_month" if is_closed else "open_month": month,
        "product": bought,
        "channel": ordered,
    }


def counted_of(drawn):
    found = {}
    for case, number in drawn:
        kind, cells = cells_of(case)
        for table, cell in cells.items():
            held = found.setdefault(kind, {}).setdefault(table, {})
            held[cell] = held.get(cell, 0) + number
    return found


def is_in(case, *cells):
    return set(cells) <= set(cells_of(case)[1].items())


UNIVERSE = list(product(*SORTS))


def told(figures, quarter):
    """Return for each number that is shown of which sorts of case it is the number."""
    found = []
    for table in tables.shown(figures, tables.INTERNAL):
        code, rows = table["code"], {label for label, _ in table["rows"]}
        every = [case for case in UNIVERSE if table["kind"] in ("", case[0]) and code in {*cells_of(case)[1], "kinds"}]
        places = {}
        for case in every:
            places.setdefault(label_of(case, code, quarter), set()).add(case)
        assert rows <= set(places)
        found += [places[label] for label in rows]
        if table["pooled"]:
            found.append({case for case in every if label_of(case, code, quarter) not in rows})
    return found


def label_of(case, code, quarter):
    casetype = casetypes.get(case[0])
    if code == "kinds":
        return casetype.label
    cell = cells_of(case)[1][code]
    return tables._words(casetype, quarter)[code].get(cell, cell)


def less(vector, basis):
    """Take from a vector what the basis can make of it."""
    for pivot, known in basis:
        if factor := vector.get(pivot):
            for place, value in known.items():
                vector[place] = vector.get(place, 0) - factor * value
    return {place: value for place, value in vector.items() if value}


def basis_of(rows):
    """Return what sums and differences can be made of, over the fractions."""
    basis = []
    for row in rows:
        if vector := less(dict.fromkeys(row, Fraction(1)), basis):
            pivot = next(iter(vector))
            basis.append((pivot, {place: value / vector[pivot] for place, value in vector.items()}))
    return basis


def small_counts(drawn):
    """Return every small count there is of one thing known of a case, or of two, within its kind: as sets of sorts."""
    for kind in KINDS:
        ours = [(case, number) for case, number in drawn if case[0] == kind]
        names = sorted({cell for case, _ in ours for cell in cells_of(case)[1].items()})
        for place, one in enumerate(names):
            for other in names[place:]:
                if sum(number for case, number in ours if is_in(case, one, other)) in SMALL:
                    yield {case for case in UNIVERSE if case[0] == kind and is_in(case, one, other)}


@settings(max_examples=times(60, 600), deadline=None)
@given(quarter_of_cases)
def test_no_set_of_tables_gives_a_small_count_by_sums_and_differences(drawn):
    quarter = quarters.Quarter(2026, 3)
    basis = basis_of(told(tables.published(counted_of(drawn), quarter), quarter))
    for each in small_counts(drawn):
        assert less(dict.fromkeys(each, Fraction(1)), basis), sorted(each)


def test_what_sums_and_differences_give_is_found():
    """The control: with one small count left out alone, the proof above finds it."""
    basis = basis_of([{"a", "b", "c"}, {"a"}, {"b"}])
    assert less({"c": Fraction(1)}, basis) == {}
    assert less({"c": Fraction(1)}, basis_of([{"a", "b", "c"}, {"a"}])) != {}


def test_a_case_is_of_one_quarter_and_quarters_are_all_there_is():
    assert [each.code for each in quarters.before(date(2026, 11, 27), 5)] == [
        *("2026-q3", "2026-q2", "2026-q1", "2025-q4", "2025-q3")
    ]
    third, fourth = quarters.Quarter(2026, 3), quarters.Quarter(2026, 4)
    assert third.ends_before == fourth.begins_at
    assert (third.first, third.last, third.label) == (date(2026, 7, 1), date(2026, 9, 30), "July to September 2026")
    assert quarters.of_code("2026-q3") == third
    assert {quarters.of_code(text) for text in ("2026-q5", "2026-08", "2026-q33", "")} == {None}
    assert {quarters.of_day(date(2026, month, 1)).number for month in (7, 8, 9)} == {3}
