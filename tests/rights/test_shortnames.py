"""Which first names may be of one person: a difference between them is none, and never proof."""

from cases.kernel.finding import terms
from cases.rights import shortnames


def test_a_short_name_stands_with_its_full_name_and_with_no_other():
    for one, other in (("liz", "elizabeth"), ("beth", "liz"), ("steven", "stephen"), ("alex", "alexandra")):
        assert shortnames.may_be_one({one}, {other}), (one, other)
        assert shortnames.may_be_one({"mary", other}, {one})
    for one, other in (("alexander", "alexandra"), ("leocadia", "liz"), ("", ""), ("christine", "christopher")):
        assert not shortnames.may_be_one({one}, {other}), (one, other)


def test_every_line_is_full_names_then_short_ones_as_names_are_compared():
    lines = shortnames._TABLE.read_text(encoding="utf-8").splitlines()
    assert lines == sorted(lines) and len(lines) > 100
    for line in lines:
        full, _, short = line.partition(": ")
        assert full and short, line
        assert [terms.words(each) for each in line.replace(":", "").split()] == [
            [each] for each in line.replace(":", "").split()
        ]
