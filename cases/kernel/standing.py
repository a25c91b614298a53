"""How one actor stands to one case: what they did to it, what waits, and which moves are therefore closed to them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import JSONField, QuerySet, Subquery
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import Cast, JSONObject

from cases.kernel import approvals, casetypes, conflicts, holds, policy
from cases.kernel.actors import Actor
from cases.kernel.lifecycle import Transition
from cases.kernel.linking import detaching
from cases.kernel.models import Approval, ApprovalDecision, Case
from cases.kernel.prepared import Prepared
from cases.kernel.restricted import quietholds
from cases.ledger.models import LedgerEvent

__all__ = ["Standing"]

PREPARED = "You prepared this case. Another person must decide."
DECIDED = "You decided on this case before. Another person must do this."
ASKED = "You asked for this. Another person must agree."


ANSWERS = (
    "verbs_",
    "asked_",
    "decided_",
    "joined_",
    "shaped_",
    "carried_",
    "moved_",
    "waiting_",
    "blocks_",
    "tied_",
    "told_",
)
# Who shaped what a case held when it was split off: the first event says so.
_SHAPED_BEFORE = KeyTransform(approvals.SHAPED_BY, KeyTransform("detail", Cast("body", JSONField())))


@dataclass(frozen=True, kw_only=True)
class Past:
    """What one actor did to a case, and which approvals are open on it. `decided` names every act they had a say in,
    `joined` those that could not have happened without: not one that was done at once and that they only looked at."""

    verbs: frozenset[str]
    asked: frozenset[str]
    decided: frozenset[str]
    joined: frozenset[str]
    shaped_seq: int
    moved_seq: int
    waiting: tuple[dict[str, Any], ...]
    blocked: frozenset[str]
    is_tied: bool
    has_told: bool


@lru_cache(maxsize=64)
def _question(moves: tuple[str, ...], shaping: tuple[str, ...], *, is_now: bool) -> Prepared:
    """Return the query for all of it; `moves` are the kind's verbs that change the state, `shaping` those under which
    what it says is changed."""

    def build(*, uid: UUID, pk: int, label: str, person: int, at: datetime | None = None) -> QuerySet[Case, Any]:
        told = LedgerEvent.objects.filter(stream=uid)
        mine = told.filter(actor=label)
        open_ones = Approval.objects.filter(case_id=pk, closed_at=None).order_by("pk")
        columns = {name: name for name in ("id", "act", "mode", "digest", "maker_id", "needs")}
        found = Case.objects.filter(pk=pk).annotate(
            verbs_=ArraySubquery(mine.values("action").distinct()),
            asked_=ArraySubquery(Approval.objects.filter(case_id=pk, maker_id=person).values("act")),
            decided_=ArraySubquery(
                ApprovalDecision.objects.filter(approval__case_id=pk, checker_id=person).values("approval__act")
            ),
            joined_=ArraySubquery(
                ApprovalDecision.objects.filter(approval__case_id=pk, checker_id=person)
                .exclude(approval__mode="after")
                .values("approval__act")
            ),
            shaped_=Subquery(mine.filter(action__in=shaping).order_by("-seq").values("seq")[:1]),
            carried_=Subquery(told.filter(action="case.opened").values(carried=_SHAPED_BEFORE)[:1]),
            moved_=Subquery(told.filter(action__in=moves).order_by("-seq").values("seq")[:1]),
            waiting_=ArraySubquery(open_ones.values(listed=JSONObject(**columns))),
            blocks_=ArraySubquery(holds.active(pk, at=at).values("blocks")),
            tied_=conflicts.of_person(person),
            told_=detaching.has_told(pk),
        )
        return found.values_list(*ANSWERS)

    moment = {} if is_now else {"at": datetime(1900, 1, 1, tzinfo=UTC)}
    return Prepared(build, uid=UUID(int=1), pk=-(10**15) - 1, person=-(10**15) - 2, label="one who acts", **moment)


def _past(case: Case, actor: Actor, at: datetime | None) -> Past:
    """Read it all in one query."""
    moves = tuple(f"{case.kind}.{move.name}" for move in casetypes.get(case.kind).lifecycle.moves if move.target)
    moment = {} if at is None else {"at": at}
    asked = _question(moves, approvals.shaping_verbs(case.kind), is_now=at is None)
    ((verbs, acts, decided, joined, shaped, carried, moved, waiting, blocks, is_tied, has_told),) = asked.rows(
        uid=case.uid, pk=case.pk, label=actor.label, person=actor.user_id or 0, **moment
    )
    return Past(
        verbs=frozenset(verbs),
        asked=frozenset(acts),
        decided=frozenset(decided),
        joined=frozenset(joined),
        shaped_seq=shaped or int(actor.label in json.loads(carried or "[]")),
        moved_seq=moved or 0,
        waiting=tuple(map(json.loads, waiting)),
        blocked=frozenset(act for each in blocks for act in json.loads(each)),
        is_tied=is_tied,
        has_told=has_told,
    )


class Standing:
    """How one actor stands to one case; each question is asked of the database at most once, and only if needed."""

    def __init__(self, case: Case, actor: Actor, *, is_deciding: bool, at: datetime | None = None) -> None:
        self.case, self.actor, self.is_deciding, self.at = case, actor, is_deciding, at

    @cached_property
    def past(self) -> Past:
        return _past(self.case, self.actor, self.at)

    @cached_property
    def blocked(self) -> frozenset[str]:
        return self._held() | quietholds.blocked(case_uid=self.case.uid)

    def _held(self) -> frozenset[str]:
        """Return what the holds of the case itself block. What a machine did to it is not asked with it in vain."""
        if self.at is None or self.actor.user_id is not None or "past" in vars(self):
            return self.past.blocked
        return holds.blocked(self.case, at=self.at)

    def waiting(self, act: str) -> dict[str, Any] | None:
        """Return the open approval that an act waits for, if there is one."""
        return next((each for each in self.past.waiting if each["act"] == act and each["mode"] == "before"), None)

    def refusals(self, move: Transition) -> list[str]:
        """Why the actor cannot make or propose the move, as far as can be said before anything is typed."""
        found = self.of_the_person(move)
        if move.decides and move.verdict == "agreed":
            found += self._unfit(move.decides)
        if move.agreed_by and self.waiting(move.name):
            found.append("It is proposed already and waits for another person.")
        if move.name in detaching.INSIDE_ALONE and self.past.has_told:
            found.append(detaching.BEYOND)
        return found + self.held(move)

    def of_the_person(self, move: Transition) -> list[str]:
        """Why it is not for this actor to make the move: their roles, a tie, or what they did to the case."""
        decision = self._may(move)
        return ([] if decision.is_allowed else [decision.sentence]) + self._tied() + self._too_close(move.distinct)

    def is_too_close(self, move: Transition) -> bool:
        """Say whether the actor holds the role for the move, and may not make it because they took part."""
        return bool(move.distinct) and self._may(move).is_allowed and bool(self._too_close(move.distinct))

    def _may(self, move: Transition) -> policy.Decision:
        kinds = casetypes.get(self.case.kind).agency_kinds
        return policy.can(self.actor, f"{self.case.kind}.{move.name}", case=self.case, agency_kinds=kinds)

    def seconding(self, move: Transition, approval: Approval | dict[str, Any]) -> list[str]:
        """Why the actor cannot agree to what somebody proposed, or look at it afterwards."""
        decision = policy.can(self.actor, f"{self.case.kind}.{move.name}.check", case=self.case)
        found = ([] if decision.is_allowed else [decision.sentence]) + self._tied()
        maker = approval["maker_id"] if isinstance(approval, dict) else approval.maker_id
        if maker == self.actor.user_id:
            return [ASKED]
        about_content = {"maker"} if move.payload is None else set()
        return found + self._too_close(move.distinct | about_content)

    def _tied(self) -> list[str]:
        """Why somebody with a registered tie to a person of the case does not move it."""
        return [conflicts.SENTENCE] if self.actor.user_id is not None and self.past.is_tied else []

    def _too_close(self, distinct: frozenset[str] | set[str]) -> list[str]:
        if not distinct:
            return []
        past = self.past
        has_shaped = past.shaped_seq > 0
        close = {
            "maker": has_shaped or bool(past.asked),
            "editor": past.shaped_seq > past.moved_seq,
            "checker": bool(past.decided),
            "requester": "case.opened" in past.verbs,
        }
        words = {"maker": PREPARED, "editor": PREPARED, "checker": DECIDED, "requester": PREPARED}
        found = [words[each] for each in close if each in distinct and close[each]]
        lifecycle = casetypes.get(self.case.kind).lifecycle
        for name in sorted(distinct - close.keys()):
            if self._took_part(name):
                found.append(
                    f"You took part in this step: {lifecycle[name].label.lower()}. Another person must do this."
                )
        return list(dict.fromkeys(found))

    def _took_part(self, name: str) -> bool:
        return f"{self.case.kind}.{name}" in self.past.verbs or name in self.past.asked | self.past.joined

    def _unfit(self, act: str) -> list[str]:
        """Edits void approvals as they happen, so a page need not compare the digest; whoever decides does."""
        waiting = self.waiting(act)
        if waiting is None:
            return [approvals.GONE]
        is_other = self.is_deciding and waiting["digest"] != approvals.digest(self.case, act)
        return [approvals.CHANGED] if is_other else []

    def held(self, move: Transition) -> list[str]:
        return [holds.SENTENCE] if self.blocked & {move.name, *move.blocked_by} else []
