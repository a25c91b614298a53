"""Letters: to the person they are about and nobody else, kept sealed, promised to the post house once."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string

from cases.kernel import actors, edits, holds, outbox, parties, retention, tasks, transitions, verdicts
from cases.kernel import record as acts
from cases.kernel.exchange import letters as notices
from cases.kernel.models import (
    Approval,
    Case,
    CaseAddress,
    CaseParty,
    Clock,
    Letter,
    OutboxMessage,
    ReleasedItem,
    StoredBlob,
    Task,
)
from cases.kernel.reading import status
from cases.kernel.timing import rulebook
from cases.ledger import sealing, verify
from cases.ledger.models import AccessEvent, LedgerEvent
from cases.reports import letters, lettertext
from tests import checks, factories
from tests.kernel.snapshots import nothing_written
from tests.reports import reading

pytestmark = pytest.mark.django_db(transaction=True)

NOW = factories.FILED_AT + timedelta(minutes=5)
# What only the fraudster's row and the case's sealed story hold.
NOT_HERS = ("203.0.113.45", "Unit 4", "Fiction Way", "Leeds", "LS1", "NM-4471", "Caller passed", "DET-88112")


def reader(case) -> sealing.Reader:
    return sealing.Reader(actor="system:tests", verb="view", purpose="test", streams=(case.uid,))


def fresh(case) -> Case:
    return Case.objects.select_related("key").get(pk=case.pk)


def test_a_fault_in_one_letter_stops_no_other_and_is_a_task():
    people = factories.office()
    broken, case = factories.filed(people), factories.filed(people)
    with acts.act(broken, "tests.broken", actor=people["a.byrne"], at=NOW):
        for letter in Letter.objects.filter(case=broken):
            letter.template = "n99"
            letter.save(update_fields=["template"])

    assert letters.make_due_letters(now=NOW) == 1

    states = Letter.objects.order_by("pk").values_list("case", "state")
    assert list(states) == [(broken.pk, "due"), (case.pk, "rendered")]
    tasks = Task.objects.filter(kind="letter_failed").values_list("case", "detail__problem")
    assert list(tasks) == [(broken.pk, "fault")]
    assert letters.make_due_letters(now=NOW) == 0  # it fills no batch while people look at it
    assert len(tasks.all()) == 1


def test_victim_is_told_what_is_kept_how_long_and_whom_to_ask():
    people = factories.office()
    case = factories.filed(people)

    assert letters.make_due_letters(now=NOW) == 1

    letter = Letter.objects.get(case=case)
    data = letters.open_letter(letter, reader=reader(case), at=NOW)
    text = " ".join(reading.text_of(data).split())
    for said in (
        "Dear Morwenna Tregaskis,",
        "12 Harbour Row",
        "TR18 0ZZ",
        f"Our reference: {case.reference}",
        "You are recorded as a victim, and as innocent.",
        "On 16 November 2026 we told Sandbox Fraud Register what happened.",
        "The agency’s reference is SFR-2026-0004417.",
        "For 13 months, until 16 December 2027.",
        "protective registration",
        "Communications Ombudsman or CISAS",
        "Information Commissioner’s Office",
        "court",
        "consumers@example.org",
    ):
        assert said in text, said
    for secret in NOT_HERS:
        assert secret not in text, secret


def test_letter_is_a_sound_tagged_file(tmp_path):
    people = factories.office()
    case = factories.filed(people)
    letters.make_due_letters(now=NOW)

    data = letters.open_letter(Letter.objects.get(case=case), reader=reader(case), at=NOW)

    with reading.opened(data) as file:
        assert file.Root.Lang == "en-GB"
        assert "/StructTreeRoot" in file.Root
        assert b"<pdfuaid:part>1</pdfuaid:part>" in file.Root.Metadata.read_bytes()
    reading.check_with_qpdf(data, tmp_path)


def test_letter_goes_to_the_post_house_under_a_clause_and_is_sealed():
    people = factories.office()
    case = factories.filed(people)

    letters.make_due_letters(now=NOW)

    letter = Letter.objects.get(case=case)
    message = OutboxMessage.objects.get(kind="letter")
    body = json.loads(outbox.open_body(message, reader=reader(case), at=NOW))["data"]
    content = base64.b64decode(body.pop("content_base64"))
    assert (letter.state, letter.message_id, letter.pages) == ("rendered", message.pk, body["pages"])
    assert hashlib.sha256(content).hexdigest() == letter.sha256
    assert body == {
        "letter_sha256": letter.sha256,
        "pages": letter.pages,
        "language": "en-GB",
        "class": "first",
        "addressee": {
            "name": "Morwenna Tregaskis",
            "line_1": "12 Harbour Row",
            "town": "Penzance",
            "postcode": "TR18 0ZZ",
        },
    }
    items = ReleasedItem.objects.filter(release__message=message).order_by("category")
    assert list(items.values_list("category", "clause", "subject_count")) == [
        ("address", "tell_the_person", 1),
        ("identity", "tell_the_person", 1),
        ("letter", "tell_the_person", 1),
    ]
    sealed = bytes(StoredBlob.objects.get(pk=letter.blob_id).sealed)
    assert b"%PDF" not in sealed
    written = LedgerEvent.objects.get(stream=case.uid, action="letter.rendered")
    assert written.content()["detail"] == {
        "letter": str(letter.uid),
        "template": "n11",
        "sha256": letter.sha256,
        "pages": letter.pages,
    }
    assert b"Tregaskis" not in written.body.encode()
    looks = (
        AccessEvent.objects.filter(verb="letter", streams__contains=[case.uid])
        .values_list("actor", "purpose")
        .distinct()
    )
    assert list(looks) == [("system:letters", "inform_person")]
    assert {row.level for row in verify.verify_stream(case.uid)} <= {"recorded late"}


def test_letter_is_written_once():
    people = factories.office()
    case = factories.filed(people)
    letter = Letter.objects.get(case=case)

    assert [letters.write(letter.pk, now=NOW), letters.write(letter.pk, now=NOW)] == [True, False]
    assert letters.make_due_letters(now=NOW) == 0

    assert OutboxMessage.objects.filter(kind="letter").count() == 1
    assert LedgerEvent.objects.filter(stream=case.uid, action="letter.rendered").count() == 1


def test_letter_waits_when_the_case_changed_while_the_page_was_set():
    people = factories.office()
    case = factories.filed(people)
    letter = Letter.objects.select_related("case__key", "party").get(case=case)
    addressee = letters._addressee(letter, now=NOW)
    printed = letters.press.press(letters._paper(letter, addressee, now=NOW))
    edits.add_note(case.pk, "She moved.", actor=people["a.byrne"], at=NOW)

    assert letters._hand_over(letter, addressee, printed, version=letter.case.version, now=NOW) is False

    assert Letter.objects.get(pk=letter.pk).state == "due"
    assert letters.make_due_letters(now=NOW) == 1


def test_letter_without_an_address_becomes_one_task_and_is_tried_again_after_it():
    people = factories.office()
    case = factories.filed(people)
    home = CaseAddress.objects.get(party__case=case, kind="current")
    with acts.act(fresh(case), "tests.moved", actor=people["a.byrne"], at=NOW):
        home.kind = "delivery"
        home.save()

    assert [letters.make_due_letters(now=NOW), letters.make_due_letters(now=NOW)] == [0, 0]
    task = Task.objects.get(case=case, kind="letter_failed")
    assert task.detail == {"letter": str(Letter.objects.get(case=case).uid), "problem": "no_address"}
    assert Letter.objects.get(case=case).state == "due"

    with acts.act(fresh(case), "tests.found", actor=people["a.byrne"], at=NOW):
        home.kind = "current"
        home.save()
        tasks.close(task, actor=people["a.byrne"], at=NOW)
    assert letters.make_due_letters(now=NOW) == 1


def lose_home(case):
    """Let it turn out that goods were sent to what was taken for a home."""
    for place in CaseAddress.objects.filter(party__case=case, kind="current"):
        place.kind = "delivery"
        place.save(update_fields=["kind"])


def looked_at(case, people, by="a.byrne"):
    """Let somebody say what they did about each letter that could not go."""
    for task in Task.objects.filter(case=case, kind="letter_failed", closed_at=None):
        edits.close_task(case.pk, task.pk, actor=people[by], at=NOW, reason="I rang them.")


def test_letter_that_still_cannot_go_while_nothing_can_be_changed_is_told_by_hand_and_asked_about_no_more():
    people = factories.office()
    case = checks.refused_automatically(people)
    with acts.act(fresh(case), "tests.moved", actor=people[checks.OFFICER], at=NOW):
        lose_home(case)
    assert edits.takes_changes(fresh(case))
    letters.make_due_letters(now=NOW)
    looked_at(case, people, by=checks.OFFICER)
    assert letters.make_due_letters(now=NOW) == 0
    written = Letter.objects.filter(case=case).order_by("pk")
    asked = Task.objects.filter(case=case, kind="letter_by_hand", closed_at=None).order_by("pk")
    assert [each.template for each in written] == ["n2", "n3"]
    assert [each.state for each in written] == ["withdrawn", "withdrawn"]
    assert [each.detail for each in asked] == [{"letter": str(each.uid), "problem": "no_address"} for each in written]
    with nothing_written():
        assert letters.make_due_letters(now=NOW) == 0


def test_letter_that_the_post_house_refuses_again_is_told_by_hand():
    people = factories.office()
    case = checks.refused_automatically(people)
    for _ in range(2):
        letters.make_due_letters(now=NOW)
        letter = Letter.objects.get(case=case, template="n3")
        with transaction.atomic():
            notices.refused(fresh(case), letter.message, [{"code": "ADDRESS_UNKNOWN"}], at=NOW)
        looked_at(case, people, by=checks.OFFICER)
    assert Letter.objects.get(case=case, template="n3").state == "withdrawn"
    assert Task.objects.get(case=case, kind="letter_by_hand").detail["codes"] == ["ADDRESS_UNKNOWN"]


def test_letter_of_a_case_that_can_be_changed_is_asked_about_until_it_goes():
    people = factories.office()
    case = factories.investigating(people)
    with acts.act(fresh(case), "tests.asked", actor=people["a.byrne"], at=NOW):
        lose_home(case)
        notices.request(case, CaseParty.objects.get(case=case, number=2), template="n11", at=NOW)
    for _ in range(2):
        letters.make_due_letters(now=NOW)
        looked_at(case, people)
    assert Letter.objects.get(case=case).state == "due"
    assert not Task.objects.filter(case=case, kind="letter_by_hand").exists()


@pytest.mark.parametrize("missing", [("line_1",), ("line_1", "town", "postcode"), ("town", "postcode")])
def test_letter_is_never_addressed_to_a_town_or_a_country_alone(missing):
    people = factories.office()
    case = factories.filed(people)
    home = CaseAddress.objects.select_related("party__key").get(party__case=case, kind="current")
    with acts.act(fresh(case), "tests.moved", actor=people["a.byrne"], at=NOW):
        parties.change(home, {"country": "United Kingdom", **dict.fromkeys(missing)}, key=home.party.key)

    assert letters.make_due_letters(now=NOW) == 0

    assert Task.objects.get(case=case, kind="letter_failed").detail["problem"] == "no_address"
    assert Letter.objects.get(case=case).state == "due"
    assert not OutboxMessage.objects.filter(kind="letter").exists()


def test_letter_to_a_person_no_longer_in_the_case_is_withdrawn():
    people = factories.office()
    case = factories.filed(people)
    victim = CaseParty.objects.get(case=case, number=2)
    with acts.act(
        Case.objects.select_related("key").get(pk=case.pk), "tests.detached", actor=people["a.byrne"], at=NOW
    ):
        victim.is_detached = True
        victim.save()

    assert letters.make_due_letters(now=NOW) == 0

    assert Letter.objects.get(case=case).state == "withdrawn"
    assert not OutboxMessage.objects.filter(kind="letter").exists()


def hold(case, people, kind, **given):
    return holds.enter(
        case.pk, kind, actor=people["a.byrne"], at=NOW, source="customer", reason="Her sister called.", **given
    )


def test_letter_waits_for_every_hold_on_contact_with_its_person_and_one_task_says_so():
    people = factories.office()
    case = factories.filed(people)
    for kind, days in (("deceased", 2), ("vulnerable", 4)):
        hold(case, people, kind, person=2, ends_at=NOW + timedelta(days=days))

    due = [letters.make_due_letters(now=NOW + timedelta(days=days)) for days in (0, 1, 3)]

    assert due == [0, 0, 0]
    # It waits on purpose: that is no fault of the press.
    waiting = {each.label: (each.count, each.is_late) for each in status.queues(now=NOW + timedelta(days=3))}
    assert waiting["Letters"] == (0, False)
    letter, task = Letter.objects.get(case=case), Task.objects.get(case=case, kind="letter_held")
    assert (letter.state, task.detail) == ("due", {"letter": str(letter.uid)})
    assert not OutboxMessage.objects.filter(kind="letter").exists()

    assert letters.make_due_letters(now=NOW + timedelta(days=5)) == 1
    task.refresh_from_db()
    assert task.closed_at == NOW + timedelta(days=5)


def test_hold_on_another_person_or_on_other_acts_stops_no_letter():
    people = factories.office()
    case = factories.filed(people)
    hold(case, people, "protected_address", person=1)
    hold(case, people, "legal")
    assert letters.make_due_letters(now=NOW) == 1


def test_hold_on_contact_for_the_whole_case_stops_a_letter_to_anybody():
    people = factories.office()
    case = factories.filed(people)
    hold(case, people, "protected_address")
    assert letters.make_due_letters(now=NOW) == 0
    assert Task.objects.filter(case=case, kind="letter_held").count() == 1


@pytest.mark.parametrize("name", ["void", "merge"])
def test_a_letter_that_waits_goes_to_nobody_once_its_case_is_void_or_merged(name):
    people = factories.office()
    held, failed, other = (factories.investigating(people) for _ in range(3))
    for each in (held, failed):
        with acts.act(fresh(each), "tests.asked", actor=people["a.byrne"], at=NOW):
            notices.request(each, CaseParty.objects.get(case=each, number=2), template="n11", at=NOW)
    with acts.act(fresh(failed), "tests.moved", actor=people["a.byrne"], at=NOW):
        for place in CaseAddress.objects.filter(party__case=failed):
            place.kind = "delivery"
            place.save(update_fields=["kind"])
    hold(held, people, "vulnerable", person=2, ends_at=NOW + timedelta(days=1))
    assert letters.make_due_letters(now=NOW) == 0

    for each in (held, failed):
        transitions.apply(
            each.pk, name, actor=people["a.byrne"], at=NOW, reason="Twice.", inputs={"into": str(other.uid)}
        )
        verdicts.decide(Approval.objects.get(case=each, act=name).uid, "agreed", actor=people["d.osei"], at=NOW)
        assert Letter.objects.get(case=each).state == "withdrawn"
        assert not Task.objects.filter(case=each, closed_at=None).exists()
    with nothing_written():
        assert letters.make_due_letters(now=NOW + timedelta(days=2)) == 0


def test_one_letter_that_cannot_be_written_does_not_hold_up_the_others_of_its_case():
    people = factories.office()
    case = factories.filed(people)
    victim = CaseParty.objects.get(case=case, number=2)
    other = CaseParty.objects.get(case=case, number=1)
    with acts.act(fresh(case), "tests.moved", actor=people["a.byrne"], at=NOW):
        CaseAddress.objects.filter(party=other).update(kind="delivery")
        failing = notices.request(case, other, template="n17", at=NOW)
        later = notices.request(case, victim, template="n17", at=NOW)
    assert letters.make_due_letters(now=NOW) == 2
    assert letters.make_due_letters(now=NOW) == 0
    assert Task.objects.get(case=case, kind="letter_failed").detail["letter"] == str(failing.uid)
    with acts.act(fresh(case), "tests.more", actor=people["a.byrne"], at=NOW):
        notices.request(case, victim, template="n18", at=NOW)
    assert letters.make_due_letters(now=NOW) == 1
    later.refresh_from_db()
    failing.refresh_from_db()
    assert (later.state, failing.state) == ("rendered", "due")


def test_a_letter_the_post_house_refused_is_posted_anew_once_its_task_is_closed():
    people = factories.office()
    case = factories.filed(people)
    letters.make_due_letters(now=NOW)
    letter = Letter.objects.get(case=case)
    first = letter.message_id
    notices.refused(fresh(case), letter.message, [{"code": "ADDRESS_UNKNOWN"}], at=NOW)
    assert letters.make_due_letters(now=NOW) == 0
    task = Task.objects.get(case=case, kind="letter_failed")
    edits.close_task(case.pk, task.pk, actor=people["a.byrne"], at=NOW, reason="The address is right now.")
    assert letters.make_due_letters(now=NOW) == 1
    letter.refresh_from_db()
    assert letter.state == "rendered" and letter.message_id != first


def read_n11(case, *, now=NOW) -> str:
    letters.make_due_letters(now=now)
    letter = Letter.objects.get(case=case, template="n11")
    return " ".join(reading.text_of(letters.open_letter(letter, reader=reader(case), at=now)).split())


def test_how_long_a_victim_is_kept_is_what_the_rule_says_that_their_marker_counts_by():
    people = factories.office()
    longer = replace(rulebook.RULES["k24_victim"], version=2, length=18, effective_from=date(2026, 11, 1))
    rulebook.add_version(longer, actor=actors.system("tests"), at=factories.AT)
    case = factories.filed(people)
    assert Clock.objects.get(case=case, rule="k24_victim").version == 2

    assert "For 18 months, until 16 May 2028. It is then removed" in read_n11(case)


def test_a_protected_person_is_told_of_their_two_years_and_of_no_thirteen_months():
    people = factories.office()
    case = factories.filed_for(people, "protective_registration", "details_exposed")

    text = read_n11(case)

    assert "For 2 years, until 16 November 2028." in text and "13 months" not in text
    assert "This is your protective registration" in text and "We can ask for it on your behalf" not in text


PERIOD = re.compile(
    r"\b(\d+|an?|one|two|three|four|five|six|seven|eight|nine|ten|twelve|thirteen|fourteen|thirty|sixty)"
    r" (working |calendar )?(hour|day|week|month|year)s?\b",
    re.IGNORECASE,
)
# What no rule of ours says: how long the agencies' own files take to show that a joint account is closed.
NOT_OURS = {"n13.html": ["six weeks"]}


def test_no_built_in_wording_says_a_period_of_its_own():
    """The office may decide on another length, and the person is then told that one."""
    folder = Path(settings.BASE_DIR) / "templates" / "cases"
    said = {
        path.name: [found[0] for found in PERIOD.finditer(path.read_text(encoding="utf-8"))]
        for path in folder.rglob("letters/*.html")
    }
    assert len(said) > 40
    assert {name: words for name, words in said.items() if words} == NOT_OURS


def test_what_a_letter_names_of_periods_is_what_this_office_decided_on():
    """Of a case that counts by a version, that; of any other what is in force; and of a class of records the same."""
    office = actors.system("tests")
    for code, length in (("k20_notice_of_default", 35), ("k10_request", 2), ("rights_passed_on", 14)):
        last = rulebook.RULES[code]
        later = replace(last, version=last.version + 1, length=length, effective_from=date(2026, 11, 1))
        rulebook.add_version(later, actor=office, at=factories.AT)
    kept = replace(retention.CLASSES["association_evidence"], version=2, months=18, effective_from=date(2026, 11, 1))
    retention.add_version(kept, actor=office, at=factories.AT)
    for code, words in (
        ("default_n4", ("35 days after you receive", "received 2 working days after", "within the 35 days", "6 years")),
        ("default_n4_withdrawn", ("another 35 days run",)),
        ("default_n5_settled", ("until 6 years from its date are over",)),
        ("n3", ("We answer within 2 months.",)),
        ("n3_contest", ("We answer within 2 months.",)),
        ("n12_other", ("look at it within 2 months,", "kept for 18 months after that", "linked for 6 years")),
    ):
        said = " ".join(render_to_string(notices.TEMPLATES[code].template, lettertext.example(code, now=NOW)).split())
        for each in words:
            assert each in said, (code, each)
        assert PERIOD.search(lettertext.source(code, now=NOW)) is None, code
