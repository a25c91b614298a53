"""The subject access pack: everything held about the person who asks, UK GDPR Art 15.

Nothing of a restricted matter is read, so nothing of it can show: the same words and bytes come out whether there is
one or not. Other people are left out: of a link the kind of tie alone is said, of a joint account the person's own
entry. What was told to the police or an authority is not in it (Data Protection Act 2018, Schedule 2, paragraph 2), and
no sentence says that anything is left out of that kind.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from django.db.models import Q, QuerySet

from cases.accounts import reading as billing
from cases.accounts import storing
from cases.accounts.models import Account, AccountFlag, AccountHolder, BureauTold
from cases.kernel import calendars, casetypes, notice, retention
from cases.kernel.casetypes import Table
from cases.kernel.exchange import letters
from cases.kernel.finding import terms
from cases.kernel.linking import people as linked
from cases.kernel.models import (
    AuditReport,
    Case,
    CaseAddress,
    CaseParty,
    Evidence,
    Letter,
    Note,
    Release,
    ReleasedItem,
)
from cases.kernel.papers import Item, Paper, Part, Written
from cases.kernel.parties import ADDRESS_FIELDS, PERSON_FIELDS
from cases.ledger import sealing
from cases.ledger.sealing import Reader
from cases.rights import choices, codes
from cases.rights.models import Choice, ContactAnswer

__all__ = ["LEVEL", "MAKE", "PACK", "newest", "person_tables", "told_choices", "withheld", "write"]

LEVEL, MAKE = "subject", "make_pack"
# Purposes of the notice for which the person is told nothing: telling would prejudice what they serve.
withheld = frozenset({"report_crime", "answer_authorities", "report_suspicion"})
_HOLDER_FIELDS = ("forename", "surname", "date_of_birth", "line_1", "town", "postcode", "phone", "email")
_LABELS = {
    "line_1": "Address",
    "line_2": "Address, second line",
    "ip_address": "IP address",
    "phone": "Telephone",
    "email": "E-mail",
    "forename": "First name",
    "surname": "Last name",
}
_SOURCES = {"staff": "Our own people", "api": "A system or form of ours"}
_FROM = "You, or somebody who wrote to us, unless it says otherwise"

Opened = Mapping[str, str | None]
Rows = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Held:
    """The rows of one person: what each case says of them, where they live, and their accounts, opened."""

    parties: Sequence[tuple[CaseParty, Opened]]
    places: Sequence[tuple[CaseAddress, Opened]]
    accounts: Sequence[tuple[AccountHolder, Opened, str]]

    @property
    def cases(self) -> list[Case]:
        """Every case that is a matter of theirs; not one in which they only act for somebody or are named beside."""
        return list({party.case_id: party.case for party, _ in self.parties if not _is_beside(party)}.values())


def _is_beside(party: CaseParty) -> bool:
    return party.role in casetypes.get(party.case.kind).beside


def why_not(case: Case) -> str:
    """Return why no pack is made of a request now: it asks for something else, or we do not know who asks."""
    facts = case.rights_request
    if facts.right != codes.ACCESS:
        return "A pack is made of a request for access."
    return "" if facts.identity_at is not None else "Check first that it is the person who asks."


def newest(case: Case) -> AuditReport | None:
    """Return the newest pack that was made of a request. One query."""
    return AuditReport.objects.filter(case=case, level=LEVEL, state="done").order_by("-finished_at", "-pk").first()


def write(case: Case, reader: Reader, at: datetime) -> Written:
    """Return the pack of a request as it stands at one moment. Writes the access rows of everything opened, on every
    case it stands in. Call it in one repeatable-read transaction."""
    held = _held(case, reader, at=at)
    parts = (
        Part(code="person", title="Who you are in our records", items=_people(held), note=f"Where from: {_FROM}."),
        Part(
            code="matters",
            title="Matters that are about you",
            items=_matters(held),
            note="What each is, why we have it, how it stands, and until when we keep it.",
        ),
        Part(code="accounts", title="Your accounts", items=_accounts(held)),
        Part(
            code="choices",
            title="What you allowed and what you stopped",
            items=_choices(held),
            note="The newest of each purpose and way counts. A stop is kept for good, as a code that names nobody.",
            nothing="You told us of no choice.",
        ),
        Part(
            code="links",
            title="Financial links with other people",
            items=_links(held),
            note="The other person is not named here.",
            nothing="None is on record.",
        ),
        Part(
            code="told",
            title="Whom we told about you",
            items=_told(held),
            note="What, when, and on which ground.",
            nothing="We told nobody.",
        ),
        Part(code="letters", title="Letters we wrote to you", items=_letters(held), nothing="None."),
        Part(
            code="notes",
            title="Notes and documents",
            items=_papers(held),
            note="They may speak of other people, so a person reads them through. Copies of what is about you follow "
            "with this pack.",
            nothing="There are none.",
        ),
        Part(code="rights", title="What you can do", items=_RIGHTS),
    )
    asked = case.rights_request
    cover = (
        ("Request", case.reference),
        ("Received", _moment(asked.received_at)),
        ("As of", _moment(at)),
    )
    return Written(title="What we hold about you", cover=cover, parts=parts, data=_data(case, cover, parts))


def _data(case: Case, cover: Rows, parts: Sequence[Part]) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "request": case.reference,
        "cover": dict(cover),
        "parts": {
            part.code: [
                {"heading": item.head, "values": [{"name": name, "value": value} for name, value in item.rows]}
                for item in part.items
            ]
            for part in parts
        },
    }


def _held(case: Case, reader: Reader, *, at: datetime) -> Held:
    """Return everything of the people whose right it is. A person of other cases is the same where somebody joined the
    two; an account is theirs where they name it and one of its holders is they. Of a case that its people are told
    nothing of nothing is held here (Data Protection Act 2018 Sch 2 para 2)."""
    own = CaseParty.objects.filter(case=case, role="person", is_detached=False)
    joined = Q(party__in=own.exclude(party=None).values("party"))
    rows = CaseParty.objects.filter(Q(pk__in=own.values("pk")) | joined, case__is_restricted=False, is_detached=False)
    found = list(rows.select_related("case").order_by("case__opened_at", "case_id", "number"))
    untold = {each.pk for each in {row.case for row in found} if casetypes.get(each.kind).is_untold(each)}
    parties = [row for row in found if row.case_id not in untold]
    wide = replace(reader, streams=tuple(dict.fromkeys(each.case.uid for each in parties)))
    opened = sealing.open_rows(parties, PERSON_FIELDS, reader=wide, at=at)
    homes = list(CaseAddress.objects.filter(party__in=parties, is_detached=False).order_by("pk"))
    places = sealing.open_rows(homes, ADDRESS_FIELDS, reader=wide, at=at) if homes else []
    people = list(zip(parties, opened, strict=True))
    known = list(zip(homes, places, strict=True))
    return Held(parties=people, places=known, accounts=_own_accounts(people, known, reader, at=at))


def _own_accounts(
    people: Sequence[tuple[CaseParty, Opened]],
    places: Sequence[tuple[CaseAddress, Opened]],
    reader: Reader,
    *,
    at: datetime,
) -> list[tuple[AccountHolder, Opened, str]]:
    numbers = dict.fromkeys(str(values["account_reference"]) for _, values in people if values["account_reference"])
    accounts = {found.pk: found for number in numbers if (found := storing.find(number)) is not None}
    holders = list(
        AccountHolder.objects.filter(account__in=accounts).select_related("account").order_by("account_id", "ordinal")
    )
    if not holders:
        return []
    opened = sealing.open_rows(holders, _HOLDER_FIELDS, reader=reader, at=at)
    told = sealing.open_rows([accounts[each.account_id] for each in holders], ("number",), reader=reader, at=at)
    homes = {terms.postcode(str(values["postcode"] or "")) for _, values in places}
    return [
        (holder, values, str(account["number"] or ""))
        for holder, values, account in zip(holders, opened, told, strict=True)
        if any(_is_they(values, known, homes) for _, known in people)
    ]


def _is_they(holder: Opened, person: Opened, homes: set[str]) -> bool:
    """Say whether a holder of an account is the person: the same last name, and birth, telephone, e-mail or home."""
    if not holder["surname"] or (holder["surname"] or "").casefold() != (person["surname"] or "").casefold():
        return False
    compared = (("date_of_birth", "born"), ("phone", "phone"), ("email", "email"))
    same = [
        found
        for name, kind in compared
        if (found := terms.EXACT[kind](holder[name] or "")) and found == terms.EXACT[kind](person[name] or "")
    ]
    forenames = {(each["forename"] or "").casefold() for each in (holder, person)}
    at_home = terms.postcode(holder["postcode"] or "") in homes - {""}
    return bool(same) or (at_home and len(forenames) == 1 and "" not in forenames)


def _moment(at: datetime) -> str:
    return f"{at.astimezone(calendars.LONDON):%-d %B %Y %H:%M}"


def _day(day: date | None) -> str:
    return f"{day:%-d %B %Y}" if day else ""


def _pounds(pence: int) -> str:
    return f"{'-' if pence < 0 else ''}£{abs(pence) // 100:,}.{abs(pence) % 100:02d}"


def _label(name: str) -> str:
    return _LABELS.get(name, name.replace("_", " ").capitalize())


def _filled(*rows: tuple[str, str | None]) -> Rows:
    return tuple((label, value) for label, value in rows if value)


def _values(opened: Opened) -> Rows:
    return _filled(*((_label(name), value) for name, value in opened.items()))


def _people(held: Held) -> tuple[Item, ...]:
    homes: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for home, values in held.places:
        said = ", ".join(value for value in values.values() if value)
        homes[home.party_id].append((f"Address, {home.kind.replace('_', ' ')}", said))
    found = []
    for party, values in held.parties:
        kind = casetypes.get(party.case.kind)
        role = dict(kind.party_roles).get(party.role, party.role)
        rows = (*_values(values), *homes[party.pk], ("Came from", _SOURCES.get(party.source, party.source)))
        found.append(Item(head=f"{party.case.reference}, {kind.label.lower()}: {role.lower()}", rows=rows))
    return tuple(found)


def _matters(held: Held) -> tuple[Item, ...]:
    found = []
    for case in held.cases:
        kind = casetypes.get(case.kind)
        kept = _day(case.dispose_after_date) or f"{_period(case.retention_class)} after it is closed"
        rows = _filled(
            ("What it is", kind.summary),
            ("About", kind.topic_label(case.topic)),
            ("Opened", _moment(case.opened_at)),
            ("How it stands", kind.lifecycle.state(case.state).label),
            *((label, value) for label, value in kind.facts_view(case) if label not in kind.not_for_subject),
            ("Kept until", kept),
        )
        found.append(Item(head=f"{case.reference}, {kind.label.lower()}", rows=rows))
        found += [
            Item(head=f"{case.reference}, {table.title.lower()}", rows=_filled(*zip(table.columns, row, strict=True)))
            for table in kind.tables(case)
            if table.title in kind.subject_tables
            for row in table.rows
        ]
    return tuple(found)


def _period(code: str) -> str:
    rule = retention.CLASSES.get(code)
    return rule.period if rule else "Its period"


def _accounts(held: Held) -> tuple[Item, ...]:
    ids = [holder.account_id for holder, _, _ in held.accounts]
    flags: dict[int, list[tuple[str, str]]] = defaultdict(list)
    joint = set(AccountHolder.objects.filter(account__in=ids, ordinal__gt=1).values_list("account", flat=True))
    flags_of = AccountFlag.objects.filter(account__in=ids, source=storing.SOURCE)
    # Of two holders nobody says which one is in hospital.
    for flag in flags_of.exclude(account__in=joint, code__in=billing.OF_A_PERSON).order_by("began_date", "code"):
        until = f" until {_day(flag.ended_date)}" if flag.ended_date else ""
        flags[flag.account_id].append((f"Noted: {_flag(flag.code)}", f"since {_day(flag.began_date)}{until}"))
    told: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for row in BureauTold.objects.filter(account__in=ids).select_related("agency").order_by("told_at", "pk"):
        said = f"{_moment(row.told_at)}: {row.status.replace('_', ' ')}, {_pounds(row.balance_pence)}"
        told[row.account_id].append((f"Told to {row.agency.display_name}", said))
    return tuple(
        Item(
            head=f"{billing.PRODUCTS.get(holder.account.product, holder.account.product)}, account {number}",
            rows=(*_of_account(holder.account), *_values(values), *flags[holder.account_id], *told[holder.account_id]),
        )
        for holder, values, number in held.accounts
    )


def _of_account(account: Account) -> Rows:
    default = _pounds(account.default_pence) if account.default_pence is not None else ""
    return _filled(
        ("As of", _day(account.as_of)),
        ("Balance", _pounds(account.balance_pence)),
        ("Fees in it", _pounds(account.fees_pence) if account.fees_pence else ""),
        ("Final bill", _day(account.final_bill_date)),
        ("Oldest unpaid bill", _day(account.oldest_unpaid_date)),
        ("Last payment", _day(account.last_payment_date)),
        ("Contract ends", _day(account.contract_end_date)),
        ("Default", f"{_day(account.default_date)}, {default}" if default else ""),
        ("Came from", "Our billing system"),
    )


def _flag(code: str) -> str:
    return billing.FLAGS.get(code, code).lower()


def reaches(held: Held) -> list[dict[str, str]]:
    """Return every way in which the person is reached, one entry for each case and home."""
    homes: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for home, values in held.places:
        homes[home.party_id].append(dict(values))
    people = [{"values": dict(values), "addresses": homes[party.pk]} for party, values in held.parties]
    return choices.reach_of_people(people)


def _own_reaches(held: Held) -> list[dict[str, str]]:
    """Return by what the person alone is reached, each once."""
    own = {(kind, value) for reach in reaches(held) for kind, value in reach.items() if kind in ("phone", "email")}
    return [{kind: value} for kind, value in sorted(own)]


def _choices(held: Held) -> tuple[Item, ...]:
    return tuple(Item(head=f"{said.purpose}: {said.channel}", rows=said.rows) for said in told_choices(held))


def person_tables(people: Collection[CaseParty]) -> list[Table]:
    """Return what a person allowed and stopped in the requests among these rows: what for, by which way, when, how, to
    which wording, and whether it still counts. One query; opens no sealed value."""
    cases = {row.case_id for row in people if row.role == "person" and not row.is_detached}
    rows = Choice.objects.filter(case__in=cases).exclude(is_allowed=True, case__state="void").select_related("case")
    if not cases:
        return []
    return [
        Table(
            title="Choices",
            columns=("What for", "By", "They said", "Since", "How", "Wording they saw", "Case", "Counts"),
            rows=tuple(
                (said.purpose, said.channel, "Yes" if said.is_allowed else "No", *_of_choice(row), _counts(said))
                for row, said in _in_words(rows)
            ),
            empty="They chose nothing: text, e-mail, records of use and others' products are off.",
        )
    ]


def _of_choice(row: Choice) -> tuple[str, str, str, str]:
    how = dict(codes.CAME_BY).get(row.source, row.source)
    return (_moment(row.said_at), how, row.wording_version or "None named", row.case.reference)


def _counts(said: Said) -> str:
    return "Yes" if said.is_newest else "No, a later one does"


@dataclass(frozen=True, kw_only=True)
class Said:
    """One choice in words: what for, by which way, yes or no, when, how, and whether it still counts."""

    purpose: str
    channel: str
    is_allowed: bool
    is_newest: bool
    rows: Rows


def told_choices(held: Held) -> list[Said]:
    """Return every choice of a person in words, the newest first: what they said in requests of theirs, and what was
    said by their telephone or e-mail. A home and an account may be another's too. One query."""
    hashes = [token for each in _own_reaches(held) for token in choices.tokens(each)]
    own = [party.case_id for party, _ in held.parties if not _is_beside(party)]
    rows = Choice.objects.filter(Q(token__in=hashes) | Q(case__in=own)).exclude(is_allowed=True, case__state="void")
    return [said for _, said in _in_words(rows.select_related("case"))]


def _in_words(rows: QuerySet[Choice]) -> list[tuple[Choice, Said]]:
    ordered = rows.order_by("-said_at", "is_allowed", "-pk")
    once = {(row.case_id, row.purpose, row.channel, row.is_allowed, row.said_at): row for row in ordered}
    seen: set[tuple[str, str]] = set()
    return [(row, _said(row, seen)) for row in once.values()]


def _said(row: Choice, seen: set[tuple[str, str]]) -> Said:
    is_newest = seen.isdisjoint({(row.purpose, row.channel), (row.purpose, codes.ALL)})
    seen.add((row.purpose, row.channel))
    return Said(
        purpose=dict(codes.PURPOSES).get(row.purpose, row.purpose),
        channel=dict(codes.CHANNELS).get(row.channel, "every way"),
        is_allowed=row.is_allowed,
        is_newest=is_newest,
        rows=_filled(
            ("You said", "Yes" if row.is_allowed else "No"),
            ("Since", _moment(row.said_at)),
            ("How", dict(codes.CAME_BY).get(row.source, row.source)),
            ("Wording you saw", row.wording_version),
            ("On record in", row.case.reference),
            ("Counts", "Yes" if is_newest else "No, a later one does"),
        ),
    )


def _links(held: Held) -> tuple[Item, ...]:
    people = {party.party_id for party, _ in held.parties if party.party_id}
    return tuple(
        Item(
            head=tie.label,
            rows=(("On record in", tie.case.reference), ("Used in checks of either", "Yes" if tie.is_usable else "No")),
        )
        for tie in linked.ties_of(people)
        if not tie.case.is_restricted
    )


def _told(held: Held) -> tuple[Item, ...]:
    """Return each release about the person: one that names nobody was about everybody in its case."""
    mine = [party.pk for party, _ in held.parties]
    about = Q(people__party__in=mine) | Q(people=None, case__in=[case.pk for case in held.cases])
    releases = Release.objects.filter(about, case__is_restricted=False).select_related("recipient", "case").distinct()
    items: dict[int, list[ReleasedItem]] = defaultdict(list)
    for item in ReleasedItem.objects.filter(release__in=releases.values("pk")).order_by("pk"):
        items[item.release_id].append(item)
    found = []
    for release in releases.order_by("released_at", "pk"):
        given = [item for item in items[release.pk] if not _is_withheld(item)]
        if given:
            rows = (("When", _moment(release.released_at)), ("In", release.case.reference), *map(_given, given))
            found.append(Item(head=release.recipient.display_name, rows=rows))
    return (*found, *_answered(held))


def _answered(held: Held) -> tuple[Item, ...]:
    """Return who was answered whether the person may be contacted, one entry for each of them and each purpose."""
    hashes = [token for reach in _own_reaches(held) for token in choices.tokens(reach)]
    rows = ContactAnswer.objects.filter(tokens__overlap=hashes).exclude(agency__kind="own_system")
    newest = {(row.agency_id, row.purpose, row.channel): row for row in rows.select_related("agency").order_by("pk")}
    return tuple(
        Item(
            head=row.agency.display_name,
            rows=_filled(
                ("When", _moment(row.asked_at)),
                ("Asked whether you may be contacted for", dict(codes.PURPOSES).get(row.purpose, row.purpose)),
                ("By", dict(codes.CHANNELS).get(row.channel, row.channel)),
                ("Answer", "Yes" if row.may_contact else "No"),
            ),
        )
        for row in newest.values()
    )


def _is_withheld(item: ReleasedItem) -> bool:
    clause = notice.CLAUSES.get(item.clause)
    return clause is not None and clause.purpose in withheld


def _given(item: ReleasedItem) -> tuple[str, str]:
    category, ground = notice.CATEGORIES.get(item.category), notice.GATEWAYS.get(item.gateway)
    return (category.label if category else item.category, f"Ground: {ground.label if ground else item.gateway}")


def _letters(held: Held) -> tuple[Item, ...]:
    rows = Letter.objects.filter(party__in=[party.pk for party, _ in held.parties]).select_related("case")
    found = []
    for row in rows.exclude(state="withdrawn").order_by("requested_at", "pk"):
        template = letters.TEMPLATES.get(row.template)
        sent = _day(row.dispatched_date) or "Not sent yet"
        title = template.label if template else row.template
        found.append(Item(head=title, rows=(("In", row.case.reference), ("Sent", sent))))
    return tuple(found)


def _papers(held: Held) -> tuple[Item, ...]:
    found = []
    for case in held.cases:
        kinds = dict(casetypes.get(case.kind).evidence_kinds)
        documents = Evidence.objects.filter(case=case).order_by("number")
        named = tuple((kinds.get(row.kind, row.kind), f"Received {_moment(row.obtained_at)}") for row in documents)
        notes = Note.objects.filter(case=case).count()
        rows = (*named, *((("Notes of our people", str(notes)),) if notes else ()))
        if rows:
            found.append(Item(head=case.reference, rows=rows))
    return tuple(found)


_RIGHTS = (
    Item(
        head="Ask us",
        rows=(
            ("What is wrong", "to be put right"),
            ("What we need no more", "to be erased, or its use to be restricted"),
            ("Marketing and profiles for it", "to stop; nobody has to give a reason"),
            ("Use in our own interests", "to be looked at anew, by objecting to it"),
            ("A decision made by a machine alone", "to be looked at by a person, when it weighs on you"),
        ),
    ),
    Item(head="Complain", rows=(("To us", "in any way you like"), ("To the Information Commissioner", "at any time"))),
)

PACK = Paper(
    label="Subject access pack",
    act=MAKE,
    file_name="subject-access",
    purpose="subject_access",
    write=write,
    why_not=why_not,
)
