"""What somebody wants put right (UK GDPR Art 16) is not called done where nothing on record shows that it was."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cases.kernel import actors, edits, transitions
from cases.kernel.errors import CaseError
from cases.kernel.models import Case, CaseParty, Letter
from cases.reports import letters, requests
from cases.rights import report
from cases.rights.forms import ActForm
from tests import requests_of_people as rights
from tests.factories import AT
from tests.kernel.snapshots import nothing_written
from tests.rights.test_access import join

pytestmark = pytest.mark.django_db
LATER = AT + timedelta(minutes=5)
BOTH = frozenset({"rights_officer", "data_protection_officer"})
WHY = "The spelling is that of your passport."


@pytest.fixture
def older(people):
    """Another matter of the same person, in which they are named."""
    return rights.asked(people, "portability")


@pytest.fixture
def asked(people, older):
    case = rights.asked(people, "rectify")
    join(CaseParty.objects.get(case=older), CaseParty.objects.get(case=case))
    return rights.identify(case, people)


def act(case, people, outcome="done", answer="Put right.", **inputs):
    given = {"outcome": outcome, "answer": answer, **inputs}
    return transitions.apply(case.pk, "act", actor=people[rights.OFFICER], at=LATER, inputs=given)


def test_no_part_of_a_right_is_refused_by_one_officer(people, older, asked):
    """Domain 8.2: refusals of rights need the data protection officer."""
    with edits.change(older.pk, actor=people[rights.OFFICER], at=AT) as edit:
        edit.party(1, surname="Quinze")
    act(asked, people, "done_in_part", kept_because="accurate")
    asked = Case.objects.get(pk=asked.pk)
    assert (asked.state, asked.rights_request.outcome, Letter.objects.filter(case=asked).count()) == ("received", "", 0)
    asked = rights.agree(asked, people, at=LATER)
    assert (asked.state, asked.rights_request.refusal_code) == ("actioned", "accurate")


@pytest.mark.parametrize("typed", [{}, {"outcome": "done_in_part", "kept_because": "accurate"}])
def test_nothing_is_done_while_no_correction_is_on_record(people, asked, typed):
    with edits.change(asked.pk, actor=people[rights.OFFICER], at=AT) as edit:
        edit.party(1, phone="+447700900111")  # what the request says of the person is not what is held
    rights.identify(Case.objects.get(pk=asked.pk), people)
    with nothing_written(counted=1), pytest.raises(CaseError) as refused:
        act(asked, people, **typed)
    assert str(refused.value) == (
        "Since this request came in no correction is on record. Put it right where it stands, attach what shows that "
        "it was put right elsewhere, or choose “Nothing needs changing” and write why: the person is told."
    )


def test_it_is_done_once_a_matter_of_theirs_was_corrected(people, older, asked):
    with edits.change(older.pk, actor=people[rights.OFFICER], at=AT) as edit:
        edit.party(1, surname="Quinze")
    assert act(asked, people).state == "actioned"


def test_it_is_done_once_a_document_shows_that_it_was_put_right_elsewhere(people, asked):
    paper = {"file_name": "billing.txt", "media_type": "text/plain", "data": b"Changed."}
    edits.attach(asked.pk, kind="correction", actor=people[rights.OFFICER], at=AT, **paper)
    assert act(asked, people).state == "actioned"


def test_why_nothing_needs_changing_is_told_to_the_person_in_the_officers_words(people, asked):
    with nothing_written(counted=1), pytest.raises(CaseError, match="Write what was done"):
        act(asked, people, "nothing_to_change", " ")
    with nothing_written(counted=1), pytest.raises(CaseError, match="nobody hears of a change"):
        act(asked, people, "nothing_to_change", WHY, changed_in=["anything"])
    act(asked, people, "nothing_to_change", WHY)
    assert Case.objects.get(pk=asked.pk).state == "received"
    with nothing_written(counted=1), pytest.raises(CaseError, match="You asked for this"):
        rights.agree(asked, {rights.DPO: replace(people[rights.OFFICER], roles=BOTH)}, at=LATER)
    assert rights.agree(asked, people, at=LATER).state == "actioned"
    transitions.apply(asked.pk, "confirm", actor=actors.system("tests"), at=LATER)
    letter = Letter.objects.select_related("case", "party").get(case=asked)
    addressee = letters.Addressee(name="Bartholomew Quince", lines={"line_1": "3 Orchard Steps"})
    assert letter.template == "n16_unchanged"
    assert f"<p>{WHY}</p>" in letters._paper(letter, addressee, now=LATER).html


def test_a_copy_to_take_elsewhere_is_done_once_it_is_given_and_something_proves_it(people):
    """UK GDPR Art 20."""
    case = rights.identify(rights.asked(people, "portability"), people)
    with nothing_written(counted=1), pytest.raises(CaseError, match="Make the copy to take elsewhere first"):
        act(case, people, **rights.DONE)
    made = requests.request(case, actor=people[rights.OFFICER], at=AT, level="portable")
    assert requests.make_due(now=AT) == 1
    for lacking, sentence in (({"given_how": ""}, "Say how the copy was given"), ({"given_proof": " "}, "what proves")):
        with nothing_written(counted=1), pytest.raises(CaseError, match=sentence):
            act(case, people, **{**rights.DONE, **lacking})
    facts = act(case, people, **rights.DONE).rights_request
    assert (facts.given_how, facts.given_proof, facts.pack) == ("recorded_post", "RX 0000 0000 1GB", made)
    assert dict(report.facts_view(Case.objects.get(pk=case.pk)))["Copy given"] == "Recorded post, RX 0000 0000 1GB"


def test_only_what_is_to_be_put_right_can_need_no_change(people):
    case = rights.received(people)
    with nothing_written(counted=1), pytest.raises(CaseError, match="Choose what came of it"):
        act(case, people, "nothing_to_change", WHY)
    for matter, is_offered in ((case, False), (rights.asked(people, "rectify"), True)):
        offered = [code for code, _ in ActForm(case=matter).fields["outcome"].choices]
        assert ("nothing_to_change" in offered) is is_offered
