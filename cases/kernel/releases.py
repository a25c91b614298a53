"""What may leave the firm, and the register of what left. Nothing leaves that no clause of the notice allows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from cases.kernel import calendars, notice, outbox
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError
from cases.kernel.exchange import agreements
from cases.kernel.models import (
    Agency,
    Case,
    CaseParty,
    Channel,
    OutboxMessage,
    PolicyDocument,
    Release,
    ReleasedItem,
    ReleasedPerson,
)
from cases.kernel.office import datasources, policydocs
from cases.kernel.timing import rulebook
from cases.kernel.timing.counting import ClockRule
from cases.ledger import api as ledger
from cases.ledger import sealing
from cases.ledger.canonical import canon

__all__ = [
    "KINDS",
    "Item",
    "MessageKind",
    "ReleaseRefused",
    "answer_rule",
    "check",
    "check_agreement",
    "declare",
    "label",
    "record",
    "send",
    "send_pieces",
    "tell",
]


class ReleaseRefused(CaseError):
    """A field has no data category, or no clause of the notice lets it go to this recipient."""


@dataclass(frozen=True, kw_only=True)
class MessageKind:
    """One kind of message: to which kind of agency, for which purpose, and the data category of every field of it.

    Fields are dotted paths without list positions: subjects.surname. `put_right_by` says how a recipient hears that
    it was wrong: `correction` (corrections.send), `family` (a message of the family's own), `nobody` (it told the
    person about themselves). Whoever has it owes an answer within `answer_days` working days as shipped
    (`answer_source` says by which rule; answers.py reads what holds now); 0 says that none is owed. Without
    `needs_agreement` no data-sharing agreement is asked for: a life may be at risk. `body_stays` says why its words are
    not erased when those of other messages are (piles.py). `lists` names the paths that hold several. `waits_for` is
    what a hold stops: one that begins after the promise keeps the message until it ends (exchange/held.py). `unknown`
    names the paths whose value may be missing: null, empty or a word for it. What `is_reply` stands in the reply to a
    question and is no message of its own. Where the recipient answers in its reply to the message, `reply` is the
    schema of that reply's data and `replies` are examples of it by name.
    """

    code: str
    label: str
    recipient_kind: str
    purpose: str
    categories: Mapping[str, str]
    necessity: str
    subjects: str = "subjects"
    put_right_by: str = "correction"
    answer_days: int = 0
    answer_source: str = ""
    needs_agreement: bool = True
    body_stays: str = ""
    waits_for: str = ""
    unknown: frozenset[str] = frozenset()
    is_reply: bool = False
    reply: Mapping[str, Any] = field(default_factory=dict)
    replies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    lists: frozenset[str] = frozenset({"subjects", "subjects.addresses", "reasons", "told"})


KINDS: dict[str, MessageKind] = {}
TELEPHONE = "telephone"
LETTERS_TO = "post"
# Grounds on which nobody has to give anything away.
_OUR_CHOICE = frozenset({"gdpr_6_1_b", "gdpr_6_1_ea", "gdpr_6_1_f"})
PIECE_PRIORITY = 7
ANSWERS_FROM = date(2026, 1, 1)


def declare(*kinds: MessageKind) -> None:
    """Add kinds of message to the register's words, and how long their answers may take to the rules. Called while
    families load."""
    KINDS.update({kind.code: kind for kind in kinds})
    rulebook.declare(*(_answer_period(kind) for kind in kinds if kind.answer_days))


def answer_rule(kind_code: str) -> str:
    """Return the code of the rule by which an answer to a kind of message is owed."""
    return f"answer_{kind_code}"


def _answer_period(kind: MessageKind) -> ClockRule:
    """Return the shipped version; what the office decides later are further versions."""
    return ClockRule(
        code=answer_rule(kind.code),
        label=f"Answer to: {kind.label}"[:80],
        length=kind.answer_days,
        unit="working_days",
        source=kind.answer_source,
        effective_from=ANSWERS_FROM,
        is_work=False,
    )


def label(code: str) -> str:
    """Return the words of a kind of message."""
    return KINDS[code].label if code in KINDS else code.replace("_", " ").capitalize()


@dataclass(frozen=True, kw_only=True)
class Item:
    """One data category that is about to leave: its fields, the clause that allows it, and its values. A family that
    decides item by item says of each on which ground, why, and about how many people. `documents` are the papers that
    the clause stands on, each with the version that is in force."""

    category: str
    clause: notice.Clause
    fields: tuple[str, ...]
    values: tuple[Any, ...]
    gateway: str = ""
    necessity: str = ""
    subject_count: int | None = None
    documents: tuple[tuple[str, int], ...] = ()


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, path)
    else:
        yield path, value


def check(kind: MessageKind, recipient: Agency, body: Mapping[str, Any], *, at: datetime) -> list[Item]:
    """Return one item for each data category in the body. Raises ReleaseRefused for an unmapped field, a wrong kind of
    recipient, one whose data-sharing agreement is not in force, a category that no clause allows, or a clause whose
    documents are missing or past their review; writes nothing."""
    if recipient.kind != kind.recipient_kind:
        raise ReleaseRefused(f"{recipient.display_name} does not receive messages of the kind {kind.label}.")
    if kind.needs_agreement:
        check_agreement(recipient, day=calendars.london_date(at))
    found: dict[str, list[tuple[str, Any]]] = defaultdict(list)
    for path, value in _leaves(body):
        if path not in kind.categories:
            raise ReleaseRefused(f"The field {path} belongs to no data category, so it may not leave.")
        found[kind.categories[path]].append((path, value))
    items = [_item(kind, recipient, category, leaves) for category, leaves in sorted(found.items())]
    needed, day = {code for item in items for code in item.clause.documents}, calendars.london_date(at)
    papers = policydocs.in_force(needed, day=day) if needed else {}
    if sentence := policydocs.refusal(needed, papers, day=day):
        raise ReleaseRefused(sentence)
    return [replace(item, documents=_versions(item.clause, papers)) for item in items]


def _versions(clause: notice.Clause, papers: Mapping[str, PolicyDocument]) -> tuple[tuple[str, int], ...]:
    return tuple((code, papers[code].version) for code in sorted(clause.documents))


def _check_onward(recipient: Agency, items: Sequence[Item], parties: Sequence[CaseParty]) -> None:
    """Raise ReleaseRefused where somebody of whom only an agency told us would be passed on in our interest. A letter
    to the person is none, nor what puts right what the recipient was told of them (UK GDPR Art 19). One query where
    somebody is meant, else none."""
    limited = [each for each in parties if each.source in datasources.GOES_NO_FURTHER]
    is_ours_to_choose = any((each.gateway or each.clause.gateway) in _OUR_CHOICE for each in items)
    if not limited or not is_ours_to_choose or recipient.kind == LETTERS_TO:
        return
    told = ReleasedPerson.objects.filter(release__recipient=recipient, party__in=[each.pk for each in limited])
    known = set(told.values_list("party_id", flat=True))
    if anew := [str(each.number) for each in limited if each.pk not in known]:
        raise ReleaseRefused(
            f"What is known of person {', '.join(anew)} came from an agency, and goes no further in our interest. "
            "Where it is known from elsewhere too, correct where it comes from."
        )


def check_agreement(recipient: Agency, *, day: date) -> None:
    """Raise ReleaseRefused where no personal data may go to a recipient on a day (Europe/London); writes nothing."""
    if sentence := agreements.why_not(recipient, day=day):
        raise ReleaseRefused(sentence)
    if sentence := policydocs.agreement_refusal(recipient, day=day):
        raise ReleaseRefused(sentence)


def _item(kind: MessageKind, recipient: Agency, category: str, leaves: list[tuple[str, Any]]) -> Item:
    clause = notice.permitting(purpose=kind.purpose, category=category, recipient_kind=recipient.kind)
    if clause is None:
        raise ReleaseRefused(f"No clause of the privacy notice lets {category} go to {recipient.display_name}.")
    return Item(
        category=category,
        clause=clause,
        fields=tuple(sorted({path for path, _ in leaves})),
        values=tuple(value for _, value in leaves),
    )


def record(
    case: Case,
    message: OutboxMessage | None,
    items: list[Item],
    *,
    channel: Channel,
    kind: MessageKind,
    recipient: Agency,
    actor: Actor,
    at: datetime,
    subject_count: int,
    parties: Sequence[CaseParty] = (),
) -> Release:
    """Enter a message in the register, inside the current ledger action: one release, one row for each category, one
    for each person of the case whom it is about. What was told by telephone has no message."""
    release = Release.objects.create(
        case=case,
        recipient=recipient,
        channel=channel,
        message=message,
        message_kind=kind.code,
        released_at=at,
        released_by=actor.label,
        retention_class="release",
    )
    ledger.bulk_create(
        ReleasedItem, [_row(case, release, item, kind=kind, subject_count=subject_count) for item in items]
    )
    ledger.bulk_create(ReleasedPerson, [ReleasedPerson(release=release, party=party) for party in parties])
    return release


def _row(case: Case, release: Release, item: Item, *, kind: MessageKind, subject_count: int) -> ReleasedItem:
    # The values are guessable (a birthday, a phone number), so their hash is keyed.
    digest = sealing.keyed_hash("released_item", canon([case.uid, list(item.values)]))
    row = ReleasedItem(
        release=release,
        category=item.category,
        fields=list(item.fields),
        gateway=item.gateway or item.clause.gateway,
        clause=item.clause.code,
        documents=[{"code": code, "version": version} for code, version in item.documents],
        subject_count=subject_count if item.subject_count is None else item.subject_count,
        sha256=digest.hex(),
        key=case.key,
    )
    sealing.seal(row, {"necessity": item.necessity or kind.necessity}, key=case.key)
    return row


def send(
    case: Case,
    kind: MessageKind,
    *,
    agency: Agency,
    body: Mapping[str, Any],
    actor: Actor,
    at: datetime,
    subject_count: int,
    dedupe: str = "",
    parties: Sequence[CaseParty] = (),
    items: Sequence[Item] = (),
) -> OutboxMessage:
    """Check, promise and register one message, inside the current ledger action on a locked case.

    `parties` are the people of the case whom it is about, so that each can later be put right with the recipient.
    `items` is what the register says of it, where the family has decided item by item; without, it is category by
    category.

    Raises ReleaseRefused; nothing is then promised.
    """
    if sentence := agreements.too_close(agency, actor, at=at):
        raise ReleaseRefused(sentence)
    found = check(kind, agency, body, at=at)
    _check_onward(agency, list(items) or found, parties)
    message = outbox.post(
        case, outbox.Message(agency_code=agency.code, kind=kind.code, body=dict(body), dedupe=dedupe), at=at
    )
    record(
        case,
        message,
        list(items) or found,
        channel=message.channel,
        kind=kind,
        recipient=agency,
        actor=actor,
        at=at,
        subject_count=subject_count,
        parties=parties,
    )
    return message


def send_pieces(
    case: Case,
    kind: MessageKind,
    *,
    agency: Agency,
    pieces: Iterable[tuple[Mapping[str, Any], outbox.Load]],
    at: datetime,
) -> None:
    """Check and promise the pieces of one file, in their order, inside the current ledger action on a locked case. The
    message that follows them tells of the file as a whole: that one is registered, of the pieces none. They leave
    behind whatever else waits for the channel. Raises ReleaseRefused; nothing is then promised."""
    for number, (body, load) in enumerate(pieces):
        if not number:  # the fields of the others are the same
            check(kind, agency, body, at=at)
        said = outbox.Message(agency_code=agency.code, kind=kind.code, body=body, priority=PIECE_PRIORITY, load=load)
        outbox.post(case, said, at=at)


def tell(
    case: Case,
    kind: MessageKind,
    *,
    agency: Agency,
    body: Mapping[str, Any],
    actor: Actor,
    at: datetime,
    subject_count: int,
) -> Release:
    """Check and register what was told by telephone where nothing can be sent after it, as `send` does a message.

    The register names the telephone: a channel that is not in use for messages, entered when it is first needed.
    """
    if sentence := agreements.too_close(agency, actor, at=at):
        raise ReleaseRefused(sentence)
    items = check(kind, agency, body, at=at)
    channel, _ = Channel.objects.get_or_create(
        agency=agency, direction="out", transport=TELEPHONE, defaults={"state": "disabled"}
    )
    return record(
        case,
        None,
        items,
        channel=channel,
        kind=kind,
        recipient=agency,
        actor=actor,
        at=at,
        subject_count=subject_count,
    )
