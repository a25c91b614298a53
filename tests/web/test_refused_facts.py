"""What a family refuses of the facts is said at the field it means, when a case is opened and when it is corrected."""

from datetime import timedelta

import pytest
from django.urls import reverse

from cases.kernel import calendars
from cases.kernel.models import Case
from cases.web import asking
from tests import moratoria
from tests.kernel.snapshots import nothing_written
from tests.web import desk

pytestmark = pytest.mark.django_db
ANALYST = "r.penhale"
NEW = reverse("web:new_case", args=["moratorium"])


def typed(row, **changes):
    """Return the page of a notice, filled in."""
    person = {f"people-0-{name}": row[f"holder_1_{name}"] for name in ("forename", "surname")}
    counts = {"people-TOTAL_FORMS": "1", "people-INITIAL_FORMS": "0"}
    facts = {
        "regime": "breathing_space",
        "register_reference": "BSS-2026-7070707",
        "start_date": calendars.london_date(asking.now()).isoformat(),
        "notice": "As it came.",
    }
    return {**facts, **counts, "people-0-role": "debtor", **person, **changes}


def opened(client, row):
    assert client.post(NEW, typed(row)).status_code == 302
    return Case.objects.get(kind="moratorium")


def test_a_day_and_a_reference_that_are_refused_are_marked_when_a_case_is_opened(people):
    client, row = desk.client_of(ANALYST), moratoria.account(people)
    case = opened(client, row)
    with nothing_written():
        known = client.post(NEW, typed(row))
        late = client.post(NEW, typed(row, register_reference="BSS-2026-7070708", start_date="2062-11-14"))
    sentence = f"This notice is here already, as {case.reference}."
    assert known.status_code == late.status_code == 422
    assert known.context["facts"].errors == {"register_reference": [sentence]}
    assert f'<a href="#id_register_reference">Reference of the register: {sentence}</a>' in known.text
    assert 'href="#id_start_date"' in late.text
    assert "The first protected day is at most 31 days ahead." in late.text
    assert "Some fields need attention." not in known.text + late.text


def test_a_correction_is_refused_what_is_refused_of_a_new_case(people):
    client, row = desk.client_of(ANALYST), moratoria.account(people)
    case = opened(client, row)
    page = reverse("web:edit_facts", args=[case.uid])
    said = {"regime": "breathing_space", "version": case.version, "start_date": "2062-05-05"}
    with nothing_written():
        refused = client.post(page, said)
    assert refused.status_code == 422
    assert list(refused.context["form"].errors) == ["start_date"]
    soon = calendars.london_date(asking.now()) + timedelta(days=30)
    assert client.post(page, {**said, "start_date": soon.isoformat()}).status_code == 302


def test_a_case_that_stays_as_it_is_says_so_before_anything_is_typed(people):
    case = moratoria.applied(people)
    for name, numbers in (("edit_facts", []), ("edit_person", [1]), ("add_person", [])):
        page = desk.client_of(ANALYST).get(reverse(f"web:{name}", args=[case.uid, *numbers]))
        assert page.status_code == 409
        assert "This case can no longer be changed in its present state." in page.text
        assert ">Save</button>" not in page.text
