"""Whether anybody else could decide what one person may not: who worked on a case is no second pair of eyes on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cases.kernel import actors, casetypes, policy, roles
from cases.kernel.actors import Actor
from cases.kernel.lifecycle import Transition
from cases.kernel.models import Case, User
from cases.kernel.standing import Standing

__all__ = ["alone"]


def alone(
    case: Case, standing: Standing, moves: Iterable[Transition], waiting: Iterable[Mapping[str, Any]]
) -> list[str]:
    """Return a sentence for each role of which nobody is left to decide: of the moves that this person may not make
    because they took part, and of the approvals for which they asked. No query where they took no part; else one for
    each role, and two for each colleague who is looked at until one is found who may."""
    lifecycle = casetypes.get(case.kind).lifecycle
    others = _Others(case, standing.actor)
    found = [others.lacking(move, move.roles) for move in moves if standing.is_too_close(move)]
    for ask in waiting:
        if ask["maker_id"] == standing.actor.user_id and ask["act"] in lifecycle:
            move = lifecycle[ask["act"]]
            found += [others.lacking(move, {role}, ask if move.seconds else None) for role in ask["needs"]]
    return list(dict.fromkeys(filter(None, found)))


class _Others:
    """The colleagues of one person, each with how they stand to the case; each is asked for at most once."""

    def __init__(self, case: Case, actor: Actor) -> None:
        self.case, self.actor = case, actor
        self.holders: dict[tuple[str, ...], list[User]] = {}
        self.standings: dict[int, Standing] = {}

    def lacking(self, move: Transition, wanted: Iterable[str], ask: Mapping[str, Any] | None = None) -> str:
        """Return the sentence, or nothing where somebody may decide."""
        human = tuple(sorted(set(wanted) & set(roles.HUMAN)))
        if policy.ANY_STAFF in wanted or not human:
            return ""
        for user in self._of(human):
            theirs = self.standings.setdefault(user.pk, Standing(self.case, actors.staff(user), is_deciding=False))
            if not (theirs.seconding(move, dict(ask)) if ask else theirs.of_the_person(move)):
                return ""
        labels = " or ".join(roles.ROLES[code].label.lower() for code in human)
        return f"Nobody else can decide this: ask an administrator for a further {labels}."

    def _of(self, human: tuple[str, ...]) -> list[User]:
        if human not in self.holders:
            grants = {"role_grants__role__in": human, "role_grants__revoked_at": None}
            rows = User.objects.filter(is_active=True, is_confirmed=True, **grants)
            self.holders[human] = list(rows.exclude(pk=self.actor.user_id or 0).distinct().order_by("pk"))
        return self.holders[human]
