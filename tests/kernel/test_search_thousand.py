"""A thousand people with names of many kinds: each is found by the whole name, by its beginning and by its sound.

The suite asks for every fifth, `make soak` for all.
"""

from itertools import islice, product
from uuid import uuid4

import pytest

from cases.kernel import policy
from cases.kernel.finding import index, search, searchbox, terms
from cases.kernel.models import Case, CaseParty, SearchEntry
from cases.ledger import api as ledger
from cases.ledger import sealing
from tests import factories
from tests.length import times

pytestmark = pytest.mark.django_db

ONSETS = ("Ash", "Bran", "Cal", "Dún", "Ev", "Fen", "Gwen", "Hol", "Ib", "Jas", "Khan", "Llew", "Mac", "Nkw", "O'")
MIDDLES = ("ar", "el", "in", "or", "ud", "yth", "wo", "ee")
ENDS = ("ton", "ley", "sson", "-Pugh", "ski", "wala", "ford", "ñez", "dottir")


def names():
    return ["".join(each) for each in islice(product(ONSETS, MIDDLES, ENDS), 1000)]


def test_every_name_is_found_by_whole_beginning_and_sound():
    people = factories.office()
    first = factories.referred(people)
    key = sealing.new_key("case", at=factories.AT)
    blinder = index.Blinder(index.OFFICE, 1)
    with ledger.action(uuid4(), "tests.people", actor="system:tests", at=factories.AT):
        common = {
            name: getattr(first, name)
            for name in ("kind", "state", "team", "opened_at", "changed_at", "retention_class")
        }
        cases = ledger.bulk_create(Case, [Case(reference=f"TST-{n}", key=key, **common) for n in range(len(names()))])
        rows = [CaseParty(case=case, number=1, role="mule", source="staff", key=key) for case in cases]
        ledger.bulk_create(CaseParty, rows)
    SearchEntry.objects.bulk_create(
        index.of_person(blinder, row, {"surname": name}, []) for row, name in zip(rows, names(), strict=True)
    )
    actor = people["a.byrne"]
    blind = search._Blind(actor)

    def found(text, tier):
        asked = search._asked_in(tier, searchbox.parse(text), blind)
        if not asked:
            return set()
        statement, places = search._tokened(actor, search.Asked(), policy.edition(), ((tier, len(asked)),))
        return {case_id for case_id, *_ in statement.rows([asked[number] for _, number in places])}

    missed = []
    for case, name in list(zip(cases, names(), strict=True))[:: times(5, 1)]:
        word = terms.parts(name)[0]
        asked = ((name, searchbox.EXACT), (word[: max(2, len(word) - 1)], searchbox.STARTS), (word, searchbox.SOUNDS))
        missed += [(name, text, tier) for text, tier in asked if not _finds(found, text, tier, case, cases, name)]
    assert missed == [] and len(cases) == 1000


def _finds(found, text, tier, case, cases, name):
    """Whether the case is found, or as many others as a page takes come before it, being newer."""
    hits = found(text, tier)
    return case.pk in hits or (len(hits) == search.CAP and min(hits) > case.pk)
