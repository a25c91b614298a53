"""The design's edge cases of a fraud referral (domain.md §2.11), each told from its opening to its end."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.urls import reverse

from cases.fraud.models import DerivedFlag
from cases.kernel.models import Case, Party, PersonPair, Task
from tests.journeys.scene import (
    ALERT,
    ALL_YES,
    BORNE_OUT,
    FPA,
    FRAUDSTER,
    POLICE,
    VICTIM,
    Scene,
    at,
)

pytestmark = pytest.mark.django_db
N11 = ("n11", 2, "rendered")
MATCH = {"their_reference": "M-2026-0081", "member": "Fictional Bank", "summary": "False application of 2025."}


def flags(case: Case) -> list[tuple[str, int]]:
    """Return what stands because of this case and of whom: kind of flag and number of the person."""
    rows = DerivedFlag.objects.filter(case=case, purged_at=None).order_by("kind", "party__number")
    return list(rows.values_list("kind", "party__number"))


def clocks(case: Case, rule: str) -> list[tuple[int | None, str, date]]:
    rows = case.clocks.filter(rule=rule).order_by("pk")
    return list(rows.values_list("party__number", "state", "due_date"))


def subjects(data: dict[str, Any]) -> list[tuple[int, str, bool]]:
    return [(each["number"], each["role"], each["innocent"]) for each in data["subjects"]]


def test_other_people_at_the_same_address_are_not_branded(scene: Scene) -> None:
    case = scene.filed(FRAUDSTER, VICTIM, alert_code="fraud")
    neighbour = {"role": "applicant", "forename": "Ottilie", "surname": "Snape", "date_of_birth": "1990-01-07"}
    home = {"address_kind": "current", "line_1": "Unit 4, 77 Fiction Way", "town": "Leeds", "postcode": "LS1 0ZZ"}
    other = scene.open({**neighbour, **home}, account_reference="NM-0007")

    # The retail alert and the agency both know the address, and nothing else.
    assert scene.say(ALERT, "alert.hit", case, "alert_upload", **MATCH, matched_on=["address"]) == "applied"
    assert scene.say(FPA, "fpa.match", case, "fpa_file", **MATCH, matched_on=["address"]) == "applied"
    scene.sweep()
    for number in (1, 2):
        with scene.nothing_written():
            said = scene.decide(case, number, "confirmed", "p.nair", status=422, person="1")
        assert "Only the address agrees, and others live there too." in said
        scene.decide(case, number, "false_positive", "p.nair")

    assert scene.tasks(case) == []
    assert flags(case) == [("alert", 1), ("warning", 1)]
    assert flags(other) == []
    assert not PersonPair.objects.exists()  # one address makes nobody the same person
    assert scene.told(ALERT)[0][1]["entries"] == [{"line_1": "Unit 4, 77 Fiction Way", "postcode": "LS1 0ZZ"}]
    assert (scene.kinds(FPA), scene.kinds(ALERT)) == (["fpa_file"], ["alert_upload"])
    assert scene.posted() == ["Morwenna Tregaskis, 12 Harbour Row"]
    story = scene.story(case)
    assert story.count("fraud_referral.alert_hit_decided") == story.count("fraud_referral.match_decided") == 1


def test_twins_and_a_father_and_son_of_one_name_are_kept_apart(scene: Scene) -> None:
    home = {"line_1": "3 Wren Close", "town": "Penzance", "postcode": "TR18 0ZZ", "surname": "Penhaligon"}
    home["address_kind"] = "current"
    son = {**home, "role": "applicant", "forename": "Jago", "date_of_birth": "2001-05-04"}
    twin = {**home, "role": "victim_of_impersonation", "is_innocent": True, "forename": "Jory"}
    father = {**home, "role": "account_holder", "forename": "Jago", "date_of_birth": "1971-02-11"}
    facts = {"fpa_case_type": "false_application", "reasons": ["false_income"]}
    first = scene.filed(son, **facts)
    second = scene.open({**twin, "date_of_birth": "2001-05-04"}, **facts)
    third = scene.open(father, **facts)
    scene.sweep()

    for case in (second, third):
        _, page = scene.read(at("pairs", case), "p.nair")
        assert "To be looked at" in page
        assert "Strong" not in page
    while pair := PersonPair.objects.filter(state="offered").first():
        case = pair.first.case
        path = reverse("web:decide_pair", args=[case.uid, pair.pk])
        scene.submit(at("pairs", case), "p.nair", form=path, verdict="rejected")
        assert "The two are kept apart." in scene.read(at("pairs", case), "p.nair")[1]
    # Who had the page open before cannot join them any more.
    with scene.nothing_written():
        answer = scene.client("a.byrne").post(path, {"verdict": "joined"})
    assert answer.status_code == 422
    assert "Somebody has decided this already." in answer.content.decode()
    # What the agency holds of the twin says nothing of him either, until somebody looks.
    alike = ["name", "address", "date_of_birth"]
    assert scene.say(FPA, "fpa.match", first, "fpa_file", **MATCH, matched_on=alike) == "applied"
    scene.decide(first, 1, "false_positive", "p.nair", reason="His twin: the telephone and the account differ.")

    assert not Party.objects.exists()
    assert [flags(each) for each in (first, second, third)] == [[("warning", 1)], [], []]
    assert scene.posted() == []
    for case in (first, second, third):
        assert "person.kept_apart" in scene.story(case)
    assert [subjects(data) for _, data in scene.told(FPA)] == [[(1, "applicant", False)]]


def test_fraud_by_a_member_of_the_household_tells_nobody_where_she_lives(scene: Scene) -> None:
    home = {"address_kind": "current", "line_1": "12 Harbour Row", "town": "Penzance", "postcode": "TR18 0ZZ"}
    brother = {"role": "third_party_fraudster", "forename": "Rhodri", "surname": "Tregaskis", **home}
    with scene.nothing_written():
        scene.open(brother, {**VICTIM, "is_innocent": False}, status=422)
    assert "A victim is innocent." in scene.said
    case = scene.investigated({**brother, "address_kind": "delivery"}, VICTIM, alert_code="fraud")
    # He opens her post: nothing goes there until she says where it may.
    scene.hold(case, "protected_address", person="2")
    scene.approved(case)
    scene.deliver()
    scene.say(FPA, "fpa.filed", case, "fpa_file", "SFR-2026-0004417")
    scene.deliver()

    assert scene.tasks(case) == ["fraud_alert_not_told", "letter_held"]
    assert (scene.kinds(ALERT), scene.posted()) == ([], [])
    assert subjects(scene.told(FPA)[0][1]) == [(1, "third_party_fraudster", False), (2, "victim_of_takeover", True)]
    assert (flags(case), scene.letters(case)) == ([("warning", 1)], [("n11", 2, "due")])

    hold = case.holds.get()
    release = reverse("web:step", args=[case.uid, "release_hold"])
    scene.submit(at("holds", case), "p.nair", form=release, hold=str(hold.pk), reason="She fetches it herself.")
    scene.deliver()
    assert scene.posted() == []  # one person's word does not release it
    scene.agree(case, "release_hold", "d.osei")
    scene.deliver()

    assert scene.posted() == ["Morwenna Tregaskis, 12 Harbour Row"]
    letter = scene.text_of(case, "n11")
    assert "You are recorded as a victim, and as innocent." in letter
    assert "Rhodri" not in letter
    scene.done(case, "fraud_alert_not_told", "p.nair", "It is where she lives: rightly not told.")
    assert scene.tasks(case) == []
    assert {"letter.held", "hold.entered", "letter.rendered"} <= set(scene.story(case))


def test_a_young_mule_is_stopped_and_a_coerced_one_found_innocent(scene: Scene) -> None:
    facts = {"fpa_case_type": "misuse_of_facility", "reasons": ["mule_line"], "account_reference": "NM-4471"}
    mule = {**VICTIM, "role": "mule", "is_innocent": False, "forename": "Osian", "surname": "Vellacott"}
    with scene.nothing_written():
        scene.open({**mule, "date_of_birth": "2009-11-17"}, status=422, **facts)
    assert "This person is under 18. Stop: nothing is filed about a child." in scene.said

    case = scene.filed(FRAUDSTER, {**mule, "date_of_birth": "2008-11-16"}, **facts)
    assert (scene.letters(case), flags(case)) == ([], [("warning", 1), ("warning", 2)])  # nobody adverse is written to
    scene.dispute(case, grounds="innocent", subject="2")
    scene.hold(case, "vulnerable", person="2", reason="Under pressure of those who use the line.")
    scene.correct(case, person=2, is_innocent=True)
    with scene.nothing_written():
        answer = scene.client("d.osei").post(reverse("web:step", args=[case.uid, "amend_disputed"]), {})
    assert "You decided on this case before." in answer.content.decode()
    scene.step(case, "amend_disputed", "a.byrne", reason="Coerced, as the chat shows.")
    scene.deliver()
    assert scene.posted() == []
    scene.submit(
        at("holds", case),
        "p.nair",
        form=reverse("web:step", args=[case.uid, "release_hold"]),
        hold=str(case.holds.get().pk),
        reason="Lives with an aunt now.",
    )
    scene.deliver()

    assert scene.kinds(FPA) == ["fpa_file", "fpa_dispute", "fpa_amend"]
    assert subjects(scene.told(FPA)[-1][1]) == [(1, "third_party_fraudster", False), (2, "mule", True)]
    assert flags(case) == [("warning", 1)]
    assert clocks(case, "k24_adverse") == [
        (1, "running", date(2032, 11, 16)),
        (2, "cancelled", date(2032, 11, 16)),
    ]
    assert clocks(case, "k24_victim") == [(2, "running", date(2027, 12, 16))]
    assert scene.letters(case) == [("n18", 2, "rendered")]  # the answer to his dispute; a mule gets no victim's letter
    assert scene.posted() == ["Osian Vellacott, 12 Harbour Row"]
    assert "corrected it." in scene.text_of(case, "n18")

    # That he is a child after all is learnt too late: nothing is entered, and the filing comes down.
    with scene.nothing_written():
        said = scene.correct(case, person=2, date_of_birth="2009-11-17", status=422)
    assert "Speak with your team lead." in said
    scene.step(case, "remove", "d.osei", reason_code="error")
    scene.deliver()
    assert scene.say(FPA, "fpa.removed", case, "fpa_remove") == "applied"
    case.refresh_from_db()
    assert (case.state, flags(case)) == ("removed", [])
    assert "fraud_referral.confirm_removal" in scene.story(case)


def test_a_dead_person_who_was_impersonated_gets_no_letter_ever(scene: Scene) -> None:
    dead = {**VICTIM, "role": "victim_of_impersonation", "date_of_birth": "1931-03-09"}
    case = scene.filed(FRAUDSTER, dead, fpa_case_type="identity_fraud", reasons=["deceased_impersonation"])

    assert (scene.letters(case), scene.tasks(case)) == ([], ["fraud_dead_victim"])
    assert subjects(scene.told(FPA)[0][1])[1] == (2, "victim_of_impersonation", True)
    with scene.nothing_written():
        task = Task.objects.get(case=case, kind="fraud_dead_victim")
        scene.client("p.nair").post(reverse("web:task_done", args=[task.uid]), {"reason": " "})
    scene.done(case, "fraud_dead_victim", "p.nair", "Wrote to the executor, found by the bereavement desk.")

    # The executor objects; the answer goes by hand to them, not by post to the dead.
    scene.dispute(case, grounds="facts_wrong", subject="2")
    scene.step(case, "uphold", "a.byrne", reason="The record protects her name.")
    assert scene.tasks(case) == ["fraud_answer_by_hand"]
    scene.done(case, "fraud_answer_by_hand", "p.nair", "Answered the executor.")
    scene.deliver()
    assert (scene.letters(case), scene.posted(), scene.tasks(case)) == ([], [], [])
    assert clocks(case, "k10_request") == [(2, "met", date(2026, 12, 16))]
    assert [(kind, data.get("is_open")) for kind, data in scene.told(FPA)] == [
        ("fpa_file", None),
        ("fpa_dispute", True),
        ("fpa_dispute", False),
    ]
    assert "fraud_referral.uphold" in scene.story(case)


def test_the_same_incident_referred_by_another_brand_is_filed_once(scene: Scene) -> None:
    first = scene.filed(FRAUDSTER, VICTIM, incident_reference="DET-88112")
    answer = scene.refer(
        "own-orders",
        schema_version=1,
        incident_reference="DET-88112",
        fpa_case_type="facility_takeover",
        reasons=["unauth_sim_swap"],
        product="mob_paym",
        sales_channel="web",
        discovered_date="2026-11-15",
        subjects=[{"role": "third_party_fraudster", "alias": "Rhodri Strake"}],
    )
    assert answer.status_code == 201
    second = Case.objects.get(reference=answer.json()["reference"])
    assert scene.tasks(second) == ["fraud_same_incident"]
    for name in ("take", "accept"):
        scene.step(second, name, "p.nair")
    scene.attach(second)

    with scene.nothing_written():
        said = scene.step(second, "submit", "p.nair", status=409, **ALL_YES, **BORNE_OUT)
    assert f"The same incident stands in {first.reference}." in said
    scene.done(second, "fraud_same_incident", "p.nair", "The other brand's view of the same call.")
    scene.step(second, "close_no_action", "p.nair", reason=f"Filed in {first.reference}.")
    scene.deliver()

    assert (second.state, flags(second), scene.letters(second)) == ("no_action", [], [])
    assert scene.kinds(FPA) == ["fpa_file"]
    assert scene.posted() == ["Morwenna Tregaskis, 12 Harbour Row"]
    assert scene.story(second)[-1] == "fraud_referral.close_no_action"


def test_a_colleague_who_took_part_goes_to_human_resources_and_not_to_the_agency(scene: Scene) -> None:
    colleague = {"role": "employee", "forename": "Cosmo", "surname": "Dunmore", "phone": "+447700900456"}
    case = scene.open(FRAUDSTER, colleague)
    # The colleague works on the desk: the data protection officer takes the case out of their sight.
    byrne = str(scene.people["a.byrne"].user_id)
    tie = {"user": byrne, "reference": case.reference, "reason": "Named in the case under another name."}
    scene.submit("/office/changes/new/tie_add/", "j.merriweather", **tie)
    assert scene.read(at("case", case), "a.byrne")[0] == 404
    scene.step(case, "take", "p.nair")
    assert scene.tasks(case) == ["conflict", "fraud_employee"]
    scene.step(case, "accept", "p.nair")
    scene.attach(case)
    scene.approved(case)
    scene.deliver()
    scene.say(FPA, "fpa.filed", case, "fpa_file", "SFR-2026-0004417")
    scene.deliver()

    assert subjects(scene.told(FPA)[0][1]) == [(1, "third_party_fraudster", False)]
    assert "Dunmore" not in str(scene.told(FPA))
    assert flags(case) == [("warning", 1)]
    assert [number for number, _, _ in clocks(case, "k24_adverse")] == [1]
    assert scene.posted() == []
    scene.done(case, "fraud_employee", "p.nair", "Handed to human resources.")
    assert scene.read(at("case", case), "a.byrne")[0] == 404

    # Where only a colleague is named there is nothing to file at all.
    alone = scene.investigated(colleague)
    with scene.nothing_written():
        said = scene.step(alone, "submit", "p.nair", status=409, **ALL_YES, **BORNE_OUT)
    assert "of them nothing is filed: hand the matter to human resources." in said
    scene.step(alone, "close_no_action", "p.nair", reason="Handed to human resources.")
    assert (alone.state, scene.kinds(FPA)) == ("no_action", ["fpa_file"])
    assert "fraud_referral.file" in scene.story(case)


def test_a_notice_shown_too_long_ago_is_no_ground_for_a_filing(scene: Scene) -> None:
    case = scene.investigated(FRAUDSTER, VICTIM, notice_shown_date="2023-11-13")
    shown = "The privacy notice on record was shown too long ago."
    for day, why in (("2023-11-13", shown), ("2026-11-15", "The privacy notice was shown after the fraud")):
        scene.correct(case, notice_shown_date=day)
        with scene.nothing_written():
            said = scene.step(case, "submit", "p.nair", status=409, **ALL_YES, **BORNE_OUT)
        assert why in said
    scene.correct(case, notice_shown_date="2023-11-14")  # three years to the day
    scene.step(case, "submit", "p.nair", **ALL_YES, **BORNE_OUT)
    # Found out after all before it is approved: the checker may not file on it either.
    scene.correct(case, notice_shown_date="2023-11-13")
    assert case.approvals.filter(closed_at=None, voided_at=None).count() == 0
    scene.deliver()
    assert (scene.told(FPA), scene.posted()) == ([], [])
    scene.step(case, "return", "d.osei", reason="On which notice?")
    scene.correct(case, notice_version="2026-02", notice_shown_date="2026-03-02")
    scene.approved(case)
    scene.deliver()
    assert scene.say(FPA, "fpa.filed", case, "fpa_file", "SFR-2026-0004417") == "applied"
    scene.deliver()

    assert (scene.kinds(FPA), scene.letters(case)) == (["fpa_file"], [N11])
    assert scene.posted() == ["Morwenna Tregaskis, 12 Harbour Row"]
    assert scene.story(case).count("fraud_referral.submit") == 2


def test_after_six_years_nothing_derived_from_the_marker_is_left(scene: Scene) -> None:
    case = scene.filed(FRAUDSTER, VICTIM, alert_code="fraud")
    scene.step(case, "report_to_police", "d.osei", people=["1"], documents=["1"], story_holds="no")
    scene.say(FPA, "fpa.match", case, "fpa_file", **MATCH, matched_on=["name"], expires_date="2031-06-30")
    scene.decide(case, 1, "confirmed", "p.nair", person="1")
    scene.deliver()
    assert flags(case) == [("alert", 1), ("warning", 1), ("warning", 1)]

    scene.advance(datetime(2027, 12, 17, 3, 0, tzinfo=UTC))
    scene.sweep()
    assert clocks(case, "k24_victim") == [(2, "met", date(2027, 12, 16))]
    scene.advance(datetime(2032, 11, 16, 12, 0, tzinfo=UTC))
    scene.sweep()
    assert flags(case) == [("alert", 1), ("warning", 1)]  # the bank's match had its time; ours has until midnight
    with scene.nothing_written():
        answer = scene.client("d.osei").post(reverse("web:step", args=[case.uid, "expire"]), {"reason": "Over."})
    assert answer.status_code in {403, 409}
    told = len(scene.received)

    scene.advance(datetime(2032, 11, 17, 3, 0, tzinfo=UTC))
    scene.sweep()
    case.refresh_from_db()
    assert (case.state, flags(case)) == ("expired", [])
    assert set(DerivedFlag.objects.filter(case=case).values_list("purged_at", flat=True)) >= {scene.now}
    since = [(code, kind, data["reason"]) for code, kind, data in scene.received[told:] if "reason" in data]
    assert since == [(FPA, "fpa_remove", "expired"), (ALERT, "correction_removed", "expired")]
    assert scene.kinds(POLICE) == ["report_fraud", "chaser"]  # asked once where its answer is, and told nothing more
    assert scene.letters(case) == [N11]  # of an end of time nobody is written to
    assert scene.say(FPA, "fpa.removed", case, "fpa_remove") == "applied"
    story = scene.story(case)
    assert story.index("fraud_referral.expire") < story.index("filing.expiry_confirmed")
