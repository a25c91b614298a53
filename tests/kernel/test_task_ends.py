"""How each kind of task ends: by hand with what was done, or only by the act it waits for."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.urls import reverse

from cases.fraud.rules import LIFECYCLE
from cases.kernel import actors, edits, record, tasks, transitions
from cases.kernel.models import Task
from cases.ledger.models import LedgerEvent
from tests import associations, factories
from tests.kernel.snapshots import nothing_written
from tests.kernel.test_common_moves import agreed
from tests.web import desk

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
with (Path(__file__).parent.parent / "data" / "task_kinds.csv").open(encoding="utf-8") as file:
    ENDS = {row["kind"]: row["ends"] for row in csv.DictReader(file)}
OF_A_CASE = sorted(
    ENDS.keys()
    - {"access_removal", "access_review", "access_shut_out", "access_undecided", "break_glass_review"}
    - {"document_review", "figures_failed", "links_to_follow", "person_to_confirm"}
)


def owe(case, kind) -> Task:
    with record.act(case, "tests.owed", actor=actors.system("tests"), at=AT):
        return tasks.raise_task(kind, case=case, at=AT)


def test_every_kind_of_task_is_declared_with_how_it_ends():
    assert {kind: "act" if tasks.ends_with(kind) else "hand" for kind in tasks.LABELS} == ENDS
    assert tasks.ENDED_BY.keys() <= tasks.LABELS.keys()


def test_a_duty_that_waits_for_an_act_is_not_closed_by_hand_and_another_only_with_what_was_done():
    people = factories.office()
    case, byrne = factories.referred(people), people["a.byrne"]
    for kind in OF_A_CASE:
        task = owe(case, kind)
        with nothing_written(), pytest.raises(edits.EditRefused, match=r"This ends when|Say what was done"):
            edits.close_task(case.pk, task.pk, actor=byrne, at=AT, reason=" ")
        if ENDS[kind] == "act":
            with nothing_written(), pytest.raises(edits.EditRefused, match="This ends when"):
                edits.close_task(case.pk, task.pk, actor=byrne, at=AT, reason="Away with it.")
        else:
            edits.close_task(case.pk, task.pk, actor=byrne, at=AT, reason="I telephoned them.")
            assert LedgerEvent.objects.filter(stream=case.uid, action="task.closed").last().reason is not None
        task.refresh_from_db()
        assert (task.closed_at is None) == (ENDS[kind] == "act"), kind


def test_the_pages_offer_the_button_or_say_why_there_is_none():
    people = factories.office()
    case = factories.referred(people)
    duty, work = owe(case, "check_after"), owe(case, "fraud_enquiry")
    client = desk.client_of("a.byrne")
    why = "This ends when another person than who acted has looked at it."

    page = client.get(reverse("web:case", args=[case.uid])).content.decode()
    assert why in page
    assert reverse("web:close_task", args=[case.uid, work.pk]) in page
    assert reverse("web:close_task", args=[case.uid, duty.pk]) not in page

    page = client.get(reverse("web:tasks") + "?view=all").content.decode()
    assert why in page
    assert reverse("web:task_done", args=[work.uid]) in page
    assert reverse("web:task_done", args=[duty.uid]) not in page

    for about, reason, sentence in (
        (duty, "Seen.", why),
        (work, "", "Say what was done, or why nothing is to be done."),
    ):
        for path in (reverse("web:task_done", args=[about.uid]), reverse("web:close_task", args=[case.uid, about.pk])):
            answer = client.post(path, {"reason": reason})
            assert answer.status_code == 422 and sentence in answer.content.decode()
    assert not Task.objects.filter(case=case).exclude(closed_at=None).exists()


# What of all that may be owed is moot once a referral has ended, by how it ended; the rest stays with it until somebody
# did what it asks for.
WITH_ANY_END = {
    *("association_ask_by_hand", "association_not_recorded", "conflict", "fraud_same_incident"),
    *("fraud_traced_incident", "trace_same_incident"),
}
UNFILED = WITH_ANY_END | {"fraud_ask_review"}
DOWN = WITH_ANY_END | {
    *("detached_filed", "fraud_alert_not_told", "fraud_amendment", "fraud_dispute", "fraud_field_errors"),
    *("fraud_must_remove", "fraud_removal_refused"),
}
REASON = {"reason": "Looked at it again."}
ENDINGS = {
    "close_no_action": (factories.investigating, "a.byrne", REASON, UNFILED),
    "refuse": (factories.ready, "d.osei", REASON, UNFILED),
    "confirm_removal": (factories.removal_requested, "agency", {}, DOWN),
    "note_removal": (factories.removed_by_hand, "judge", REASON, DOWN),
    "expire": (factories.filed, "job", {"at": datetime(2032, 11, 18, tzinfo=UTC)}, DOWN),
    "void": (factories.investigating, "", {}, set(OF_A_CASE)),
}
# Without which the referral is not closed: the police know what is so.
FIRST = {"close_no_action": {"fraud_police_anew"}}


def test_every_way_of_ending_a_referral_is_among_these():
    ways = {move.name for move in LIFECYCLE.moves if move.target and LIFECYCLE.state(move.target).is_terminal}
    assert ways == {*ENDINGS, "merge"}  # merging does what voiding does: tests/kernel/test_common_moves.py


@pytest.mark.parametrize("move", sorted(ENDINGS))
def test_a_referral_that_ends_leaves_no_work_that_is_moot(move):
    people = factories.office()
    build, who, given, moot = ENDINGS[move]
    case = build(people)
    owed = set(OF_A_CASE) - FIRST.get(move, set())
    for kind in sorted(owed):
        owe(case, kind)
    if move == "void":
        agreed(case, move, people)
    else:
        actor = {"job": factories.job(), "agency": factories.fpa(), "judge": factories.judge(people), **people}[who]
        transitions.apply(case.pk, move, actor=actor, **{"at": factories.FILED_AT, **given})
    case.refresh_from_db()
    left = set(case.tasks.filter(closed_at=None).values_list("kind", flat=True))
    assert (case.is_closed, owed - left) == (True, moot)


def test_a_link_that_has_ended_everywhere_asks_no_agency_whether_it_recorded_or_broke_it():
    people = factories.office()
    case = associations.all_removed(people)
    for kind in ("association_not_recorded", "association_ask_by_hand", "association_write_by_hand"):
        owe(case, kind)
    with_all = associations.after(case, "corrected", people[associations.OFFICER])
    left = set(with_all.tasks.filter(closed_at=None).values_list("kind", flat=True))
    assert (with_all.is_closed, left & {*OF_A_CASE} - {"association_review_decisions"}) == (
        True,
        {"association_write_by_hand"},
    )
