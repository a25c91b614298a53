"""A person decides whether two people of two cases are one. Both cases keep it on record; it can be undone.

`Party` joins what cases say of one person and holds no value of its own. Nothing of a restricted team is ever joined
with what is outside of it. Whoever has to find everything that is held of somebody (`CaseType.finds_people`) decides
also of cases out of their sight; they learn of no restricted case, and of none whose people are told nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime

from django.db import transaction
from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Coalesce

from cases.kernel import casetypes, conflicts, locks, policy, record
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError, NotVisible
from cases.kernel.finding import index
from cases.kernel.models import Case, CaseParty, Party, PersonPair, SearchEntry
from cases.ledger import api as ledger

__all__ = ["JoinRefused", "counted", "decide", "joined_with", "left", "offered", "part"]

MATCH = "match"
KEPT_APART = "One of the two was kept apart from somebody who is joined with the other. Take that person out first."
KEPT_TOGETHER = "Both are joined with the same person already. Take one of the two out of that first."
VERDICTS = {"joined": "person.joined", "rejected": "person.kept_apart"}


class JoinRefused(CaseError):
    """The two people cannot be joined or kept apart like this now."""


def offered(actor: Actor, case: Case) -> QuerySet[PersonPair]:
    """Return the pairs of a case that wait for a decision, strongest first, whose other case the actor may know of."""
    if _finds(actor, case):
        return _waiting(Q(pk__in=[pair.pk for pair in _to_find(case)]))
    others = policy.visible_to(actor)
    return _waiting(Q(first__case=case, second__case__in=others) | Q(second__case=case, first__case__in=others))


def _waiting(which: Q) -> QuerySet[PersonPair]:
    rows = PersonPair.objects.filter(which, state="offered", first__is_detached=False, second__is_detached=False)
    return rows.select_related("first__case", "second__case").order_by("-score", "pk")


def _finds(actor: Actor, case: Case) -> bool:
    """Say whether the actor looks for everything held of the people of this case."""
    return casetypes.get(case.kind).finds_people and policy.can(actor, MATCH, case=case).is_allowed


def _may_be_found(case: Case) -> bool:
    return not case.is_restricted and not casetypes.get(case.kind).is_untold(case)


def _to_find(case: Case) -> list[PersonPair]:
    """Return the pairs of a case that wait, as far as whoever looks for everything held of its people may know of their
    other case. One query, and what a kind asks to know that its people are told nothing."""
    rows = _waiting(Q(first__case=case) | Q(second__case=case))
    return [pair for pair in rows if all(_may_be_found(each.case) for each in (pair.first, pair.second))]


def left(case: Case) -> tuple[int, bool]:
    """Return how many pairs of the people of a case nobody has decided, and whether somebody of them is yet to be
    compared; nobody who is only named beside another counts. Two queries, and as `offered`."""
    beside = casetypes.get(case.kind).beside
    people = set(
        CaseParty.objects.filter(case=case, is_detached=False).exclude(role__in=beside).values_list("pk", flat=True)
    )
    waiting = [
        pair
        for pair in _to_find(case)
        if {pair.first_id, pair.second_id} & people
        and (pair.first.party_id is None or pair.first.party_id != pair.second.party_id)
    ]
    return len(waiting), SearchEntry.objects.filter(party__in=people, compared_at=None).exists()


def counted(actor: Actor) -> CombinedExpression:
    """Count, for an outer case, the pairs that are offered on it and whose other case the actor may know of. Two counts
    by the pairs' own indexes, not one that reads them all."""
    return _counted(actor, "first", "second") + _counted(actor, "second", "first")


def _counted(actor: Actor, mine: str, other: str) -> Coalesce:
    rows = PersonPair.objects.filter(
        state="offered",
        **{
            f"{mine}__case": OuterRef("pk"),
            f"{mine}__is_detached": False,
            f"{other}__is_detached": False,
            f"{other}__case__in": policy.visible_to(actor),
        },
    )
    found = rows.order_by().annotate(one=Value(1)).values("one").annotate(counted=Count("pk")).values("counted")
    return Coalesce(Subquery(found, output_field=IntegerField()), 0)


def joined_with(case: Case, other: Case) -> dict[int, CaseParty | None]:
    """Return, by key, who of another case each person of a case is joined with: None where nobody is known to be them.
    Two queries."""
    mine, theirs = (each.parties.filter(is_detached=False).order_by("-number") for each in (case, other))
    there = {row.party_id: row for row in theirs if row.party_id is not None}
    return {row.pk: there.get(row.party_id or 0) for row in mine}


def decide(
    pair_id: int, verdict: str, *, actor: Actor, at: datetime, request: ledger.RequestInfo | None = None
) -> PersonPair:
    """Join the two people of an offered pair, or keep them apart for good. Locks every case concerned, in order; writes
    one event in each. Raises NotVisible, NotAllowed, or JoinRefused when it is decided already, or would not agree with
    what was decided of somebody whom either is joined with."""
    if verdict not in VERDICTS:
        raise JoinRefused("Say whether they are the same person.")
    known = PersonPair.objects.select_related("first__case", "second__case").filter(pk=pair_id).first()
    if known is None:
        raise NotVisible
    _require_both(known, actor)
    people = _everyone_of(known) if verdict == "joined" else [known.first, known.second]
    acts = _acts(people, VERDICTS[verdict], actor=actor, at=at, request=request, pair=known)
    with transaction.atomic(), acts:
        pair = _locked(known)
        if refusal := _why_not(pair, verdict):
            raise JoinRefused(refusal)
        if verdict == "joined":
            _join([pair.first, pair.second], VERDICTS[verdict], actor=actor, at=at)
            casetypes.tell("person_joined", people, at=at)
        pair.state, pair.decided_at, pair.decided_by_id = verdict, at, actor.user_id
        pair.save(update_fields=["state", "decided_at", "decided_by"])
        _look_again(people)
    return pair


def _require_both(pair: PersonPair, actor: Actor) -> None:
    """Raise NotVisible, NotAllowed or JoinRefused for whoever may not decide of both cases. Who looks for everything
    held of the person of one needs neither sight of the other nor a right there."""
    cases = [side.case for side in (pair.first, pair.second)]
    finders = {each.pk for each in cases if policy.can(actor, "view", case=each).is_allowed and _finds(actor, each)}
    for each in cases:
        if finders - {each.pk} and _may_be_found(each):
            if refusal := conflicts.why_not(actor, each):
                raise JoinRefused(refusal)
        else:
            policy.get_visible(actor, each.uid)
            _require(actor, each)


def _look_again(people: Sequence[CaseParty]) -> None:
    """Compare anew of whom everything is looked for: what was joined with them says more of them."""
    finding = [each.code for each in casetypes.all_types() if each.finds_people]
    rows = SearchEntry.objects.filter(party__in=people, case__kind__in=finding, case__is_closed=False)
    rows.update(compared_at=None)


def _require(actor: Actor, case: Case) -> None:
    policy.require(actor, MATCH, case=case)
    if refusal := conflicts.why_not(actor, case):
        raise JoinRefused(refusal)


def _locked(known: PersonPair) -> PersonPair:
    """Return the pair as it stands now that its cases are locked. Raises JoinRefused."""
    rows = PersonPair.objects.select_for_update(of=("self",)).select_related("first__case", "second__case")
    pair = rows.filter(pk=known.pk).first()
    if pair is None or pair.state != "offered":
        raise JoinRefused("Somebody has decided this already.")
    if pair.first.is_detached or pair.second.is_detached:
        raise JoinRefused("One of the two is no longer part of their case.")
    if index.space_of(pair.first.case) != index.space_of(pair.second.case):
        raise JoinRefused("A person of a restricted case is joined with nobody outside of it.")
    return pair


def _why_not(pair: PersonPair, verdict: str) -> str:
    """Say why a verdict does not fit what was decided before, and name nobody: they may be out of sight."""
    groups = [_group(side) for side in (pair.first, pair.second)]
    if verdict != "joined":
        return KEPT_TOGETHER if pair.second_id in groups[0] else ""
    between = Q(first__in=groups[0], second__in=groups[1]) | Q(first__in=groups[1], second__in=groups[0])
    return KEPT_APART if PersonPair.objects.filter(between, state="rejected").exists() else ""


def _group(side: CaseParty) -> set[int]:
    """Return a person and all whom they are joined with."""
    joined = CaseParty.objects.filter(party=side.party_id) if side.party_id else CaseParty.objects.none()
    return {side.pk, *joined.values_list("pk", flat=True)}


def _everyone_of(pair: PersonPair) -> list[CaseParty]:
    """Return both people and all whom either is joined with already."""
    parties = [side.party_id for side in (pair.first, pair.second) if side.party_id]
    joined = CaseParty.objects.filter(party__in=parties).exclude(pk__in=(pair.first_id, pair.second_id))
    return [pair.first, pair.second, *joined.select_related("case")]


@contextmanager
def _acts(
    people: Iterable[CaseParty],
    verb: str,
    *,
    actor: Actor,
    at: datetime,
    request: ledger.RequestInfo | None,
    pair: PersonPair | None = None,
) -> Iterator[None]:
    """Lock the people's cases in order and open one act on each. An event names its own person and no other case."""
    by_case: dict[int, list[int]] = {}
    for person in people:
        by_case.setdefault(person.case_id, []).append(person.number)
    score = {"pair": pair.pk, "score": pair.score} if pair else {}
    with ExitStack() as opened:
        for case_id in sorted(by_case):
            case = locks.case_for_update(case_id)
            detail = {"people": sorted(by_case[case_id]), **score}
            opened.enter_context(record.act(case, verb, actor=actor, at=at, request=request, detail=detail))
        yield


def _join(sides: Sequence[CaseParty], verb: str, *, actor: Actor, at: datetime) -> None:
    """Give both people, and whom the second is joined with already, one Party: each row in its own case's event."""
    first, second = (CaseParty.objects.select_related("case").get(pk=side.pk) for side in sides)
    if first.party_id and second.party_id:
        party_id = first.party_id
        moved = list(CaseParty.objects.select_related("case").filter(party=second.party_id))
    else:
        party_id = first.party_id or second.party_id or Party.objects.create().pk
        moved = [side for side in (first, second) if side.party_id is None]
    for row in moved:
        with record.act(row.case, verb, actor=actor, at=at):
            row.party_id = party_id
            row.save(update_fields=["party"])


def part(
    case_id: int, number: int, *, actor: Actor, at: datetime, request: ledger.RequestInfo | None = None
) -> CaseParty:
    """Take one person out of the join they are in, on record in every case of it. The pairs that joined them are not
    offered again. Raises NotVisible, NotAllowed, JoinRefused."""
    person = CaseParty.objects.select_related("case").filter(case=case_id, number=number).first()
    if person is None:
        raise NotVisible
    policy.get_visible(actor, person.case.uid)
    _require(actor, person.case)
    everyone = list(CaseParty.objects.select_related("case").filter(party=person.party_id)) if person.party_id else []
    with transaction.atomic(), _acts(everyone, "person.parted", actor=actor, at=at, request=request):
        row = CaseParty.objects.filter(pk=person.pk, party__isnull=False, party=person.party_id).first()
        if row is None:
            raise JoinRefused("This person is joined with nobody.")
        casetypes.tell("marker_taken_back", row, at=at)
        with record.act(person.case, "person.parted", actor=actor, at=at):
            row.party = None
            row.save(update_fields=["party"])
        pairs = PersonPair.objects.filter(Q(first=row) | Q(second=row), state="joined")
        pairs.update(state="rejected", decided_at=at, decided_by_id=actor.user_id)
    return row
