"""The kinds of case this office handles, as declared by the families. Generic code reaches a family only here."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db.models import Model

from cases.kernel.lifecycle import Lifecycle
from cases.kernel.models import Case, CaseParty, Clock, OutboxMessage
from cases.kernel.outputs.papers import Item, Paper
from cases.kernel.policy import Rule
from cases.kernel.prepared import Prepared
from cases.ledger.sealing import Reader

__all__ = [
    "CaseType",
    "Check",
    "Content",
    "Dimension",
    "Extension",
    "Incoming",
    "Intake",
    "Referral",
    "Table",
    "Tie",
    "all_types",
    "get",
    "install",
    "restricted_with",
]


@dataclass(frozen=True, kw_only=True)
class Content:
    """What an agency's callback says, once it is authentic, unsealed and matched to a case. It reached us at
    `received_at`, however long it then waited for a worker; None for what did not come by a call."""

    type: str
    agency_code: str
    agency_kind: str
    agency_reference: str
    agency_sequence: int | None
    occurred_at: datetime | None
    data: Mapping[str, Any]
    message: OutboxMessage | None
    callback_uid: Any
    received_at: datetime | None = None

    def reached_us(self, at: datetime) -> datetime:
        """Return when it reached us; what is known of nothing else reaches us as it is applied."""
        return min(self.received_at or at, at)


@dataclass(frozen=True, kw_only=True)
class Check:
    """One line of the checks card: what was looked at and how it stands."""

    label: str
    is_clear: bool
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows that a case page and a report show beside the facts. `empty` is said where there are none."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    empty: str = "Nothing yet."


@dataclass(frozen=True, kw_only=True)
class Tie:
    """One link between two people, as a case has it. `is_usable`: what is on record of either may be used for the
    other now."""

    case: Case
    one: CaseParty
    other: CaseParty
    label: str
    is_usable: bool


def as_parsed(facts: dict[str, Any], _agency_code: str) -> dict[str, Any]:
    """Add nothing of the sender."""
    return facts


@dataclass(frozen=True, kw_only=True)
class Intake:
    """How own systems, or agencies of some kinds, open this kind. `parse` returns (facts, parties) or raises
    intake.FieldErrors; `schema` the shape of a body with the codes of today; `by_sender` adds to the facts who asks,
    which is never taken from the body. `raw_as` names the fact that keeps the body as it came. `answers` are its
    own good answers by status, each with a shape and an example, where a door of its own takes the call."""

    path: str
    senders: frozenset[str]
    parse: Callable[[Mapping[str, Any]], tuple[dict[str, Any], list[dict[str, Any]]]]
    example: Mapping[str, Any]
    schema: Callable[[], Mapping[str, Any]]
    sender_kinds: frozenset[str] = frozenset()
    by_sender: Callable[[dict[str, Any], str], dict[str, Any]] = as_parsed
    raw_as: str = ""
    answers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Extension:
    """How a running period of this kind gets a later end from outside. `grounds` are (code, label) of what gives it;
    `why_not` takes case, clock, the new last day and the day of the order, and returns the sentence why not, or
    nothing; `note` writes what the kind keeps of it, inside the open act."""

    label: str
    hint: str
    grounds: tuple[tuple[str, str], ...]
    why_not: Callable[[Case, Clock, date, date], str]
    note: Callable[[Case, date], None]


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """What figures count the cases of a kind by, beside what every kind has: a column of its facts that holds a code,
    or one that they lead to. `words` gives the present label of each code. No dimension of a kind may follow from
    another, nor from where a case stands: each would tell what the other hides."""

    code: str
    label: str
    column: str
    words: Callable[[], Mapping[str, str]]


def anybody(_values: Mapping[str, Any], *, at: datetime) -> None:
    """Refuse nobody."""


def any_people(_people: Sequence[Mapping[str, Any]]) -> None:
    """Refuse no set of people."""


def no_tables(_case: Case) -> Sequence[Table]:
    """Show no table."""
    return ()


def no_person_tables(_people: Collection[CaseParty]) -> Sequence[Table]:
    """Show nothing of a person."""
    return ()


def no_ties(_people: Collection[int], _rows: Collection[int]) -> Sequence[Tie]:
    """Tie nobody to anybody."""
    return ()


def nothing_for_subject(_case: Case, _roles: Collection[str], *, reader: Reader, at: datetime) -> Sequence[Item]:
    """Tell the person concerned nothing beyond the facts."""
    return ()


def no_texts(_case: Case) -> Sequence[tuple[Model, str, str]]:
    """Keep no texts beside the facts."""
    return ()


def names_an_account(facts: Mapping[str, Any]) -> bool:
    """Say whether the facts name an account."""
    return bool(facts.get("account_reference"))


def always(_case: Case) -> bool:
    """Let it be done on every case."""
    return True


def on_no_case(_case: Case) -> bool:
    """Say it of no case."""
    return False


def never(_case: Case) -> bool:
    """Let it be done on no case."""
    return False


def protects_no_account(_accounts: Collection[int], *, block: str, at: datetime) -> Mapping[int, frozenset[str]]:
    """Keep nothing from any account."""
    return {}


def marks_no_account(_accounts: Collection[int]) -> Mapping[int, frozenset[str]]:
    """Say nothing of any account."""
    return {}


def nothing(_case: Case, *, at: datetime) -> None:
    """Follow a change with nothing."""


@dataclass(frozen=True, kw_only=True)
class Referral:
    """How any member of staff passes a matter on from a case they see, without seeing it again. The form takes a
    hidden `once`; `is_known` says that a referral of that once came before. `heading` stands above the form, `warning`
    are the two sentences that whoever passes it on has to heed, if any."""

    label: str
    form: type
    is_known: Callable[[Any], bool]
    heading: str
    warning: tuple[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """What agencies tell of a kind of case without moving it: each a row for a person to decide, with a reason.

    Rows of `model` have case, number, kind, agency, received_at, outcome, decided_by and decided_at; one waits while
    its outcome is among `waiting`, and what is among `taken_back` another person may still change. Whoever decides a
    kind holds the right `decide_<kind>`. `said` opens what was told (label and value); `form` is given the row and says
    `inputs()`; `decide` takes what edits.change takes.
    """

    model: type[Model]
    labels: Mapping[str, str]
    outcomes: Mapping[str, Iterable[tuple[str, str]]]
    waiting: frozenset[str]
    form: type
    said: Callable[..., list[tuple[str, str]]]
    decide: Callable[..., str]
    taken_back: frozenset[str] = frozenset()


def nothing_of_people(_case: Case, _people: Iterable[Mapping[str, Any]], *, at: datetime) -> None:
    """Follow an opening with nothing."""


def needs_nothing(_cases: Mapping[int, UUID]) -> Collection[int]:
    return ()


def nothing_beside(_at: datetime) -> int:
    return 0


def is_over(_case: Case, _at: datetime) -> bool:
    return False


def named_by_nobody(_agency_id: int, _reference: str, **_said: object) -> Iterable[int]:
    return ()


def no_duplicates(_typed: Mapping[str, Any]) -> Iterable[int]:
    return ()


@dataclass(frozen=True, kw_only=True)
class Basis:
    """Why cases of a kind are kept, in words for staff and for whoever they are about, and on which ground (of
    notice.GATEWAYS). Where the ground is our interest, `assessment` is the document (of notice.DOCUMENTS) that weighs
    it, UK GDPR Art 6(1)(f)."""

    why: str
    gateway: str
    assessment: str = ""


@dataclass(frozen=True, kw_only=True)
class CaseType:
    """One kind of case: what is peculiar to it, as data and as functions the kernel calls.

    `basis_of` of a case gives its own ground, where that may be another than its kind's.
    `in_background` names moves that take too long for a page: called as transitions.apply is, each starts the work.
    `opened` follows an opening, in its transaction, with the case and the people as they were given.
    `agency_kinds` are whom its cases deal with; of those of `strays_of` its team reads as well what fits no case.
    `runs_in` names, by state, the clock that runs while a case is in it, the one that stands still meanwhile, and the
    task that stands with the clock, or none.
    `is_erasable` says that two people may erase a closed case before its time; not one to which own systems still tell.
    `disposal_needs` is what must be so, in words, before its cases are erased when their time is over.
    `needs` returns of any cases, uid by key, those that one of this kind which is not over needs, so that nothing of
    them is erased;
    `is_kept_on` of a locked case of the kind whose time seems over that it is kept on.
    `retoken` makes anew the blind tokens by which what the kind keeps beside its cases finds people in others.
    `erase_beside` erases what the kind keeps beside its cases and whose time is over, and returns how much.
    `callback_data` shows, by type of callback, what its data may hold, and `callback_shapes` says what it must hold: of
    what does not fit, nothing is applied. `reacts` says what follows in the same act from
    what the kernel tells by a code: `person_joined` with the rows of people whom somebody joined, `person_changed` with
    those of whom one case says something else now, and that case;
    `hold_began` with the case, the hold and the time; `hold_elsewhere` with the same
    of an open case of any kind, where neither the hold nor the case is hidden; `people_go` with a case that is split or
    merged, the one that its people go to, and who each is there, by key, or nobody known; `fraud_confirmed` with a
    number, when its SIM was changed, the time and the source, which gives back the case about it;
    `accounts_changed` with the ids of accounts of which billing told something new, `accounts_added` with those that it
    told of for the first time;
    `default_changed` with the id of an account whose default is on
    file, the reason and the time; `default_on_file` with the id of an account, which gives back what is on file of its
    default; `letter_due` with a letter that is about to be written and the
    time, which gives back whether it was taken back instead; `agency_stopped` with the case on which a recovery agency
    has learned that it must stop; `proposal_ended` with the case and an approval that was refused, taken back or
    voided; `callback_ignored` with a callback from which a person said that nothing follows; `marker_confirmed` with a
    person whom another member's record is about, `marker_taken_back` with one whom it, or a filing of ours, is not
    about after all, `filing_removed` with the case of a filing that is down, and `link_removed` with two cases that
    somebody linked in error, each with the time; `still_marked` with a case and the people it is about, which gives
    back whether any such filing or record still is; `link_withdrawn` with the case of a link between two people that
    was wrong and the time, which gives back the references of the cases that used it;
    `who_is_marked` with a case and the time, which gives back the people of whom something is on file. `named_by`
    gives the ids of cases that an agency (its id) means by a reference of its own that no message of ours led to; it is
    told the `type` of the callback, its `data` and the time `at` which it came. `duplicates` gives the ids of cases
    that are about the same thing as what is typed of a new one.
    `protects` gives, of accounts by id, the kinds of hold of its cases that keep a `block` from each at a time `at`,
    where a case knows accounts by more than their number; `holds_outlast` says that those of its closed cases are among
    them, so that they are looked at again. `marks` gives, of accounts by id, what its cases say of each
    to credit agencies each month. `common_effects` say what of its own follows a move that
    every kind has, by the move's name, as an effect does.
    `own_tabs` are pages of its own on a case that `shows_own_tabs`: what the tab says, and the name of the address.
    `finds_people` says that its desk looks for everything held of its person, and so decides whether people of cases
    out of its sight are they.
    `opens_on` names the page of the kind's own on which a case of it is opened, `screen` the one on which a case is
    worked on, by its uid.
    `registers` are pages beside the register of agencies: what the link says, the name of the address, the right.
    `unspoken` are columns of its facts that the story does not tell of: codes and hashes that say nothing to people.
    `is_about` says of facts that they name what the case is about where no person is named.
    `check_people` raises IntakeRefused for people whom a new case of the kind is not about. `tables` are shown beside
    its facts, `person_tables` on the page of a person, of the rows of cases
    that the reader may see. `ties` are the links between people that its cases make, by the keys of joined people
    and of rows (linking/people.py).
    `papers` are those it makes beside the audit report, by their level. `not_for_subject` are labels of its facts that
    the person concerned is not told: telling would prejudice what the case is for. `states_for_subject` are states that
    are told them in other words. `is_untold` says of a case that the
    people in it are told nothing of it. `beside` are roles of people whose matter a case is not: who act for somebody
    or are named beside them. `for_subject` is given the roles of a person in a case, and says what is on record of them
    there beyond the facts. `own_words` name, by role, the sealed facts that are words of that person or to them, each
    with its label; a person reads through every other sealed fact, and each of `texts` (row, sealed field, what it is),
    before whoever asks is given it. `portable` names, by the role of whoever says of themselves what a case holds of
    them, the facts that they gave beside it: theirs to take elsewhere.
    `said` are words for acts on its cases beside its moves, by their verb, as the story and the report tell them.
    `abroad` says what its cases let go abroad, for the record of processing: kind of recipient, and words.
    `stored_codes` are words for what columns of its facts hold as codes, `column_labels` for columns that nobody types;
    a column of another row is named `cases.row.column`. `dimensions` are what figures count it by.
    `urgent` are the states in which a case goes before everything else of whoever works it; `is_rung` says that its
    team is rung at night for what cannot wait.
    `opens_with_people` says whether people are typed of a new case, `may_add_person` whether a case can take one more,
    `is_divisible` whether part of one can go to a new case.
    A kind without a reference prefix is restricted: its references are random, and only its team knows of its cases.
    """

    code: str
    label: str
    summary: str
    icon: str
    team: str
    facts: type[Model]
    lifecycle: Lifecycle
    retention_class: str
    basis: Basis
    topic: Callable[[Mapping[str, Any]], str]
    amount: Callable[[Mapping[str, Any]], int | None]
    topic_label: Callable[[str], str]
    open_facts: Callable[[Any, Mapping[str, Any]], None]
    approval_rows: Callable[[Case], list[Model]]
    facts_view: Callable[[Case], list[tuple[str, str]]]
    checks: Callable[[Case], list[Check]]
    report: Callable[[Case], dict[str, Any]]
    facts_form: type
    party_form: type
    party_roles: Iterable[tuple[str, str]]
    evidence_kinds: Iterable[tuple[str, str]]
    prefix: str = ""
    basis_of: Callable[[Case], str] | None = None
    transition_forms: Mapping[str, type] = field(default_factory=dict)
    in_background: Mapping[str, Callable[..., Case]] = field(default_factory=dict)
    opening_clock: str = ""
    reopening_clock: str = ""
    agency_kinds: frozenset[str] = frozenset()
    strays_of: frozenset[str] = frozenset()
    runs_in: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    abroad: Callable[[frozenset[str]], Sequence[tuple[str, str]]] | None = None
    is_erasable: bool = True
    disposal_needs: str = ""
    needs: Callable[[Mapping[int, UUID]], Collection[int]] = needs_nothing
    is_kept_on: Callable[[Case, datetime], bool] = is_over
    retoken: Callable[[datetime], int] = nothing_beside
    erase_beside: Callable[[datetime], int] | None = None
    callbacks: Mapping[str, Callable[..., None]] = field(default_factory=dict)
    callback_data: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    callback_shapes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    delivered: Mapping[str, Callable[..., None]] = field(default_factory=dict)
    refused: Mapping[str, Callable[..., None]] = field(default_factory=dict)
    clock_ends: Mapping[str, Callable[..., None]] = field(default_factory=dict)
    clock_warns: Mapping[str, Callable[..., None]] = field(default_factory=dict)
    common_effects: Mapping[str, Callable[..., None]] = field(default_factory=dict)
    task_ends: Mapping[str, Callable[..., None]] = field(default_factory=dict)
    extensions: Mapping[str, Extension] = field(default_factory=dict)
    message_labels: Mapping[str, str] = field(default_factory=dict)
    said: Mapping[str, str] = field(default_factory=dict)
    intake: Intake | None = None
    referral: Referral | None = None
    policy: tuple[Rule, ...] = ()
    sealed_labels: Mapping[str, str] = field(default_factory=dict)
    fact_categories: Mapping[str, str] = field(default_factory=dict)
    check_person: Callable[..., None] = anybody
    check_people: Callable[[Sequence[Mapping[str, Any]]], None] = any_people
    tables: Callable[[Case], Sequence[Table]] = no_tables
    ties: Callable[[Collection[int], Collection[int]], Sequence[Tie]] = no_ties
    person_tables: Callable[[Collection[CaseParty]], Sequence[Table]] = no_person_tables
    is_about: Callable[[Mapping[str, Any]], bool] = names_an_account
    address_form: type | None = None
    changed: Callable[..., None] = nothing
    opened: Callable[..., None] = nothing_of_people
    reacts: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    protects: Callable[..., Mapping[int, frozenset[str]]] = protects_no_account
    holds_outlast: bool = False
    marks: Callable[[Collection[int]], Mapping[int, frozenset[str]]] = marks_no_account
    duplicates: Callable[[Mapping[str, Any]], Iterable[int]] = no_duplicates
    opens_on: str = ""
    screen: str = ""
    named_by: Callable[..., Iterable[int]] = named_by_nobody
    incoming: Incoming | None = None
    finds_people: bool = False
    own_tabs: tuple[tuple[str, str], ...] = ()
    unspoken: frozenset[str] = frozenset()
    registers: tuple[tuple[str, str, str], ...] = ()
    papers: Mapping[str, Paper] = field(default_factory=dict)
    not_for_subject: frozenset[str] = frozenset()
    states_for_subject: Mapping[str, str] = field(default_factory=dict)
    is_untold: Callable[[Case], bool] = on_no_case
    beside: frozenset[str] = frozenset()
    for_subject: Callable[..., Sequence[Item]] = nothing_for_subject
    own_words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    portable: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    texts: Callable[[Case], Sequence[tuple[Model, str, str]]] = no_texts
    shows_own_tabs: Callable[[Case], bool] = always
    stored_codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    column_labels: Mapping[str, str] = field(default_factory=dict)
    may_add_person: Callable[[Case], bool] = always
    dimensions: tuple[Dimension, ...] = ()
    urgent: frozenset[str] = frozenset()
    is_rung: bool = False
    opens_with_people: bool = True
    is_divisible: bool = True

    @property
    def asks_who_is_innocent(self) -> bool:
        """Say whether whoever enters a person of it says whether they are innocent. Elsewhere nobody is accused."""
        return "is_innocent" in self.party_form.base_fields  # type: ignore[attr-defined]  # -- it is a form

    @property
    def is_restricted(self) -> bool:
        return not self.prefix


_types: dict[str, CaseType] = {}


def install(types: Iterable[CaseType]) -> None:
    """Replace the catalogue. Called once, when Django has loaded."""
    _types.clear()
    _types.update({casetype.code: casetype for casetype in types})


def get(code: str) -> CaseType:
    return _types[code]


def have_facts(case: Case) -> None:
    """Have a case hold its facts, as the first question for one of them would. One query, planned once; none where it
    holds them."""
    if _relation(case).is_cached(case):
        return
    for facts in _facts_of(get(case.kind).facts).objects(case=case.pk):
        _hold(case, facts)


def apart(case: Case) -> Case:
    """Return a case of the same values, with facts of its own if it holds them: what is written to the one, and may be
    rolled back, does not show in the other. No query."""
    other = copy.copy(case)
    relation = _relation(case)
    if relation.is_cached(case):
        _hold(other, copy.copy(relation.get_cached_value(case)))
    return other


def _relation(case: Case) -> Any:
    """Return what a case holds its facts by."""
    field: Any = get(case.kind).facts._meta.get_field("case")
    return field.remote_field


def _hold(case: Case, facts: Model) -> None:
    relation = _relation(case)
    relation.field.set_cached_value(facts, case)
    relation.set_cached_value(case, facts)


@lru_cache(maxsize=64)
def _facts_of(model: type[Model]) -> Prepared:
    return Prepared(lambda case: model._default_manager.filter(case=case), case=-(10**15) - 1)


def tell(code: str, *of: Any, at: datetime) -> None:
    """Let every kind that reacts to a code do what follows, in its caller's transaction."""
    for casetype in all_types():
        if follow := casetype.reacts.get(code):
            follow(*of, at=at)


def restricted_with(agency_kind: str) -> CaseType | None:
    """Return the restricted kind whose team reads what this kind of agency says of no case that is known, if there is
    one: that which claims its strays, else that whose matters it deals with."""
    restricted = [each for each in _types.values() if each.is_restricted]
    claims = [each for each in restricted if agency_kind in each.strays_of]
    return next(iter(claims or [each for each in restricted if agency_kind in each.agency_kinds]), None)


def all_types() -> tuple[CaseType, ...]:
    return tuple(_types.values())
