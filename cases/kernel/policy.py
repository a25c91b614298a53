"""Who may do what: one frozen table, assembled at start from the families' rows and the rows below. No row means no.

The same table answers pages, API and tasks, draws the offers, and is printed by `manage.py policy`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, cast
from uuid import UUID

from django.db.models import Q, QuerySet

from cases.kernel.actors import Actor
from cases.kernel.errors import NotAllowed, NotVisible
from cases.kernel.models import Case
from cases.kernel.prepared import Prepared
from cases.kernel.roles import DATA_PROTECTION_OFFICER, HUMAN

if TYPE_CHECKING:
    from cases.kernel.casetypes import CaseType

__all__ = [
    "ANY_STAFF",
    "BREAK_GLASS",
    "GLASS_ROLES",
    "QUIET",
    "Decision",
    "Rule",
    "can",
    "get_visible",
    "install",
    "kinds",
    "plays",
    "require",
    "table",
    "visible_to",
]

ANY_STAFF = "any_staff"
HUMAN_ROLES = frozenset(HUMAN)
NOT_CASE_STAFF = frozenset({"system_administrator", "auditor"})
OFFICE = "*"
BREAK_GLASS = "break_glass"
# What a broken glass lets a person do: look. Nothing of the case can be changed through it.
THROUGH_GLASS = frozenset({"view", "reveal", "download"})
# Those who may have to: not oversight, which reads with a reason, nor the desks that have shift cover.
GLASS_ROLES = frozenset(HUMAN) - {
    "auditor",
    "data_protection_officer",
    "disclosure_officer",
    "emergency_operator",
    "system_administrator",
}
QUIET = "compartment:"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One right. `scope` team: own teams' cases and cases assigned to oneself; all: every case of the kind;
    compartment: the same for members of a restricted team, whose looking leaves no trace that others see; any: every
    case, restricted or not, which is breaking the glass alone. A restricted case is reached by its team, under scope
    all also by whom the team lets read, and in no other way. `needs_reason` asks for a reason on record; `is_grave`
    for signing in again within five minutes."""

    act: str
    roles: frozenset[str]
    kind: str = OFFICE
    scope: str = "team"
    needs_reason: bool = False
    is_grave: bool = False


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The answer to one question. `sentence` says why not, in words fit for the person who asked. `purpose` is why
    the person looks, where the way in already says so."""

    is_allowed: bool
    sentence: str = ""
    needs_reason: bool = False
    is_grave: bool = False
    purpose: str = ""


# Who keeps the directory of agencies; somebody of disclosure_approver checks what they enter.
DIRECTORY = frozenset(
    {"collections_manager", "sale_manager", "disclosure_officer", "credit_officer", "credit_data_steward"}
)
# The people of restricted teams, who are rung when something urgent waits for theirs.
ON_CALL = frozenset(
    {"disclosure_officer", "disclosure_approver", "emergency_operator", "legal_counsel", "nominated_officer"}
)
# Who answers for a desk or looks over all of them.
MANAGEMENT = frozenset(
    {
        *("fraud_approver", "credit_data_approver", "collections_manager", "sale_manager", "finance_approver"),
        *("disclosure_approver", "legal_counsel", "data_protection_officer"),
    }
)
OFFICE_RULES = (
    Rule(act="view_tasks", roles=frozenset({ANY_STAFF})),
    Rule(act="view_operations", roles=frozenset({ANY_STAFF, "auditor"}), scope="all"),
    Rule(act="view_status", roles=frozenset({ANY_STAFF, "system_administrator", "auditor"}), scope="all"),
    Rule(act="search", roles=frozenset({ANY_STAFF, "auditor"}), scope="all"),
    Rule(act="view_security_log", roles=frozenset({"auditor", "data_protection_officer"}), scope="all"),
    Rule(act="view_trail", roles=frozenset({"auditor"}), scope="all"),
    Rule(act="verify_ledger", roles=frozenset({"auditor", "data_protection_officer"}), scope="all"),
    Rule(
        act="view_people", roles=frozenset({"system_administrator", "auditor", "data_protection_officer"}), scope="all"
    ),
    Rule(
        act="view_letters", roles=frozenset({"system_administrator", "auditor", "data_protection_officer"}), scope="all"
    ),
    Rule(act="manage_people", roles=frozenset({"system_administrator"}), is_grave=True),
    Rule(act="approve_people", roles=frozenset({"data_protection_officer"}), is_grave=True),
    Rule(
        act="oversee_access",
        roles=frozenset({"system_administrator", "auditor", "data_protection_officer"}),
        scope="all",
    ),
    Rule(act="sign_access_review", roles=frozenset({"auditor"}), scope="all", is_grave=True),
    Rule(
        act="view_on_call", roles=ON_CALL | {"system_administrator", "auditor", "data_protection_officer"}, scope="all"
    ),
    Rule(act="answer_on_call", roles=ON_CALL, scope="all"),
    Rule(act="view_rules", roles=frozenset({ANY_STAFF, "system_administrator", "auditor"}), scope="all"),
    Rule(
        act="print_processing",
        roles=frozenset({"data_protection_officer", "auditor", "legal_counsel"}),
        scope="all",
    ),
    Rule(act="view_figures", roles=MANAGEMENT | {"auditor"}, scope="all"),
    Rule(act="make_figures", roles=MANAGEMENT, scope="all"),
    Rule(
        act="view_disposals",
        roles=MANAGEMENT
        | {"auditor", "credit_reviewer", "disclosure_officer", "emergency_operator"}
        | {"nominated_officer", "rights_officer"},
        scope="all",
    ),
    Rule(act="oversee_disposals", roles=frozenset({"auditor", "data_protection_officer"}), scope="all"),
    Rule(act="agree_disposals", roles=frozenset({DATA_PROTECTION_OFFICER}), scope="all", is_grave=True),
    Rule(act="view_jobs", roles=frozenset({"system_administrator", "auditor", "data_protection_officer"}), scope="all"),
    Rule(act="manage_jobs", roles=frozenset({"system_administrator"}), scope="all"),
    Rule(
        act="view_codes", roles=frozenset({"system_administrator", "auditor", "data_protection_officer"}), scope="all"
    ),
    Rule(act="view_ties", roles=frozenset({"auditor", "data_protection_officer"}), scope="all"),
    Rule(act="view_changes", roles=frozenset({ANY_STAFF, "system_administrator", "auditor"}), scope="all"),
    Rule(act="oversee_changes", roles=frozenset({"auditor", "data_protection_officer"}), scope="all"),
    Rule(act="review_break_glass", roles=frozenset({"data_protection_officer"}), scope="all"),
    Rule(
        act="manage_compartment",
        roles=frozenset({"nominated_officer", "disclosure_approver", "data_protection_officer"}),
        is_grave=True,
    ),
    Rule(act="view_agencies", roles=frozenset({ANY_STAFF, "system_administrator", "auditor"}), scope="all"),
    Rule(
        act="import_accounts",
        roles=frozenset({"collections_analyst", "collections_manager", "own-billing"}),
        scope="all",
    ),
    Rule(act="ask_policy_hold", roles=frozenset({"own-billing"}), scope="all"),
    Rule(act="operate_agencies", roles=DIRECTORY | {"disclosure_approver", "system_administrator"}, scope="all"),
)

# What the people of every kind's desk do to its cases, beside the moves: who proposes moves and who agrees to them.
DESK_ACTS = ("hold", "snooze", "link", "declare_conflict")

_table: dict[tuple[str, str], tuple[Rule, ...]] = {}
_editions = count(1)
_edition = 0


def edition() -> int:
    """Return a number that changes with the table: what was worked out from it is kept under this number."""
    return _edition


def install(case_types: Iterable[CaseType], office: Iterable[Rule] = ()) -> None:
    """Assemble and freeze the table: office rows with those of its kinds of change, the families', the transitions'."""
    rows: dict[tuple[str, str], list[Rule]] = defaultdict(list)
    for rule in (*OFFICE_RULES, *office):
        rows[OFFICE, rule.act].append(rule)
    for casetype in case_types:
        for rule in (*casetype.policy, *_transition_rules(casetype)):
            rows[casetype.code, rule.act].append(rule)
    global _edition
    _table.clear()
    _table.update({key: tuple(rules) for key, rules in rows.items()})
    _edition = next(_editions)


def _transition_rules(casetype: CaseType) -> list[Rule]:
    opening = Rule(act="open_case", roles=casetype.lifecycle.opening_roles, kind=casetype.code, scope="all")
    moves = [
        Rule(
            act=f"{casetype.code}.{move.name}",
            roles=move.roles,
            kind=casetype.code,
            scope=move.scope,
            is_grave=move.is_grave,
        )
        for move in casetype.lifecycle.moves
    ]
    lifecycle = casetype.lifecycle
    desk = lifecycle.desk | {lifecycle.second} if lifecycle.second else frozenset()
    common = [Rule(act=act, kind=casetype.code, roles=desk) for act in DESK_ACTS if desk]
    seconds = [
        Rule(
            act=f"{casetype.code}.{move.name}.check",
            roles=frozenset(each.role for each in move.seconds),
            kind=casetype.code,
            scope="all",
            is_grave=move.is_grave_to_second,
        )
        for move in casetype.lifecycle.moves
        if move.seconds
    ]
    return [opening, *moves, *common, *seconds, *_disposal_rules(casetype)]


def _disposal_rules(casetype: CaseType) -> list[Rule]:
    """Who leads the work on cases proposes to erase those whose time is over, and the officer agrees; of a restricted
    kind its own people do both, as they do with its moves."""
    desk, second = casetype.lifecycle.desk, casetype.lifecycle.second
    leads = frozenset({second}) - {DATA_PROTECTION_OFFICER} or desk
    who = (desk, frozenset({second})) if casetype.is_restricted else (leads, frozenset({DATA_PROTECTION_OFFICER}))
    acts = zip(("propose_disposal", "decide_disposal"), who, (False, True), strict=True)
    return [
        Rule(act=act, kind=casetype.code, roles=roles, scope="all", is_grave=is_grave) for act, roles, is_grave in acts
    ]


def table() -> list[Rule]:
    """Return every row, sorted by kind and act."""
    return [rule for key in sorted(_table) for rule in _table[key]]


def plays(actor: Actor, roles: frozenset[str], *, agency_kinds: frozenset[str] = frozenset()) -> bool:
    """Say whether the actor is one of `roles`, which may name staff roles, any_staff, system, agency or own-*."""
    if actor.kind == "staff":
        held = actor.roles & HUMAN_ROLES
        return bool(held & roles) or (ANY_STAFF in roles and not held & NOT_CASE_STAFF)
    if actor.kind == "system":
        return "system" in roles
    is_own = actor.agency_code.startswith("own-") and actor.agency_code in roles
    return is_own or ("agency" in roles and actor.agency_kind in agency_kinds)


def _in_scope(actor: Actor, rule: Rule, case: Case | None) -> bool:
    if case is None or actor.kind != "staff":
        return True
    if rule.scope == "any" or case.team_id in actor.team_ids:
        return True
    if case.is_restricted:
        return rule.scope == "all" and case.team_id in actor.granted_team_ids
    if rule.scope == "compartment":
        return bool(actor.compartment_ids)
    return rule.scope == "all" or case.assignee_id == actor.user_id


def _breaks_glass(actor: Actor, kind: str) -> bool:
    return any(plays(actor, rule.roles) for rule in _table.get((kind, BREAK_GLASS), ()))


def _is_through_glass(actor: Actor, act: str, case: Case | None) -> bool:
    is_open = case is not None and act in THROUGH_GLASS and case.pk in actor.opened_case_ids
    return is_open and _breaks_glass(actor, case.kind if case else "")


def _purpose(actor: Actor, rule: Rule, case: Case | None) -> str:
    """Return under which purpose looking goes on record, where the right itself says so."""
    is_quiet = rule.scope == "compartment" and case is not None and case.team_id not in actor.team_ids
    return f"{QUIET}{min(actor.compartment_ids)}" if is_quiet and actor.compartment_ids else ""


def can(
    actor: Actor,
    act: str,
    *,
    case: Case | None = None,
    kind: str = OFFICE,
    agency_kinds: frozenset[str] = frozenset(),
) -> Decision:
    """Answer whether the actor may do `act`, on a case or at all. Reads nothing from the database."""
    if case is not None and case.pk in actor.tied_case_ids:
        return Decision(is_allowed=False, sentence="You declared a conflict of interest.")
    rules = _table.get((case.kind if case else kind, act), ())
    played = [rule for rule in rules if plays(actor, rule.roles, agency_kinds=agency_kinds)]
    for rule in played:
        if _in_scope(actor, rule, case):
            return Decision(
                is_allowed=True,
                needs_reason=rule.needs_reason,
                is_grave=rule.is_grave,
                purpose=_purpose(actor, rule, case),
            )
    if _is_through_glass(actor, act, case):
        return Decision(is_allowed=True, purpose=BREAK_GLASS)
    sentence = "This case belongs to a team you are not in." if played else _why_not(rules)
    return Decision(is_allowed=False, sentence=sentence)


def kinds(actor: Actor, act: str) -> tuple[str, ...]:
    """Return the kinds of case in which the actor may do `act` to one or another. Reads nothing from the database."""
    return _kinds(actor, act, edition())


@lru_cache(maxsize=1024)
def _kinds(actor: Actor, act: str, _edition: int) -> tuple[str, ...]:
    """Work it out once for whoever has the same rights under the same table: a page asks for it ten times."""
    named = (kind for kind, each in _table if each == act and kind != OFFICE)
    return tuple(kind for kind in named if can(actor, act, kind=kind).is_allowed)


def _why_not(rules: tuple[Rule, ...]) -> str:
    roles = sorted({role for rule in rules for role in rule.roles} - {"system", "agency"})
    if not roles:
        return "Nobody does this by hand."
    return f"This needs the role {' or '.join(role.replace('_', ' ') for role in roles)}."


def require(
    actor: Actor,
    act: str,
    *,
    case: Case | None = None,
    kind: str = OFFICE,
    agency_kinds: frozenset[str] = frozenset(),
) -> Decision:
    """Return the decision, or raise NotAllowed with its sentence."""
    decision = can(actor, act, case=case, kind=kind, agency_kinds=agency_kinds)
    if not decision.is_allowed:
        raise NotAllowed(decision.sentence)
    return decision


def visible_to(actor: Actor) -> QuerySet[Case]:
    """Return the cases the actor may know of. The same rows as `can(actor, "view", case=…)` allows, as SQL."""
    seen = Q(pk__in=[])
    for (kind, act), rules in _table.items():
        if act == "view":
            for rule in rules:
                if plays(actor, rule.roles):
                    seen |= _scope(actor, rule, kind)
        elif act == BREAK_GLASS and actor.opened_case_ids and _breaks_glass(actor, kind):
            seen |= Q(kind=kind, pk__in=actor.opened_case_ids)
    rows = Case.objects.filter(seen)
    return rows.exclude(pk__in=actor.tied_case_ids) if actor.tied_case_ids else rows


def _scope(actor: Actor, rule: Rule, kind: str) -> Q:
    own_team = Q(team_id__in=actor.team_ids)
    free = Q(is_restricted=False)
    beyond = {
        "all": free | Q(team_id__in=actor.granted_team_ids),
        "compartment": free if actor.compartment_ids else Q(pk__in=[]),
        "team": free & Q(assignee_id=actor.user_id),
    }
    return Q(kind=kind) & (own_team | beyond[rule.scope])


def get_visible(actor: Actor, uid: UUID) -> Case:
    """Return the case with its team, assignee and key. Raises NotVisible when there is none the actor may know of."""
    for case in _visible(actor, edition()).objects(uid=uid):
        return cast(Case, case)
    raise NotVisible


@lru_cache(maxsize=256)
def _visible(actor: Actor, _edition: int) -> Prepared:
    """Return the query of one case, kept for whoever has the same rights under the same table."""
    rows = visible_to(actor).select_related("team", "assignee", "key")
    return Prepared(lambda uid: rows.filter(uid=uid), uid=UUID(int=1))
