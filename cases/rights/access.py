"""The subject access pack: everything held about the person who asks, UK GDPR Art 15.

Nothing of a restricted matter is read, so nothing of it can show: the same words and bytes come out whether there is
one or not. Other people are left out: of a link the kind of tie alone is said, of a joint account the person's own
entry, and no more than it once they hold it no longer. What was told to the police or an authority is not in it (Data
Protection Act 2018, Schedule 2, paragraph 2), and no sentence says that anything is left out of that kind.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from django.db.models import Q

from cases.accounts import reading as billing
from cases.accounts import storing
from cases.accounts.models import Account, AccountFlag, AccountHolder, BureauTold
from cases.kernel import casetypes, money, notice, retention
from cases.kernel.exchange import letters
from cases.kernel.linking import people as linked
from cases.kernel.models import AuditReport, Case, Letter, Release, ReleasedItem
from cases.kernel.office import datasources, publiclinks
from cases.kernel.outputs import bases
from cases.kernel.outputs.papers import Item, Paper, Part, Written, filled, moment, written_day
from cases.ledger import sealing
from cases.ledger.sealing import Reader
from cases.rights import choices, chosen, codes, copies, identity, onhold, texts
from cases.rights.held import Held, Opened, of_person, own_reaches, why_not_all
from cases.rights.models import NOT_NAMED, ContactAnswer

__all__ = ["LEVEL", "MAKE", "PACK", "PORTABLE", "label_of", "newest", "withheld", "write"]

LEVEL, PORTABLE, MAKE = "subject", "portable", "make_pack"
# Purposes of the notice for which the person is told nothing: telling would prejudice what they serve.
withheld = frozenset({"report_crime", "answer_authorities", "report_suspicion"})
_LABELS = {
    "line_1": "Address",
    "line_2": "Address, second line",
    "ip_address": "IP address",
    "phone": "Telephone",
    "email": "E-mail",
    "forename": "First name",
    "surname": "Last name",
}
_NOT_SHOWN = ("Not in this pack", "nothing shows that it is yours. Tell us under which name you have it, if it is.")
_FROM = "You, or somebody who wrote to us, unless it says otherwise"

Rows = tuple[tuple[str, str], ...]


def why_not(case: Case) -> str:
    """Return why no pack is made of a request now: it asks for something else, we do not know who asks, or nobody has
    read through what may speak of others."""
    if case.rights_request.right != codes.ACCESS:
        return "A pack is made of a request for access."
    if not identity.is_known(case):
        return "Check first that it is the person who asks."
    if sentence := why_not_all(case):
        return sentence
    unread, waits = texts.left(case)
    if unread:
        return f"Read through first what may speak of others: {unread}."
    return f"{waits}." if waits else ""


def newest(case: Case) -> AuditReport | None:
    """Return the newest pack, or copy to take elsewhere, that was asked for since it is known who asks: one of before
    is perhaps another's. One query."""
    since = case.rights_request.identity_at
    if since is None:
        return None
    level = PORTABLE if case.rights_request.right == codes.PORT else LEVEL
    made = AuditReport.objects.filter(case=case, level=level, state="done", requested_at__gte=since, erased_at=None)
    return made.order_by("-finished_at", "-pk").first()


def write(case: Case, reader: Reader, at: datetime) -> Written:
    """Return the pack of a request as it stands at one moment. Writes the access rows of everything opened, on every
    case it stands in. Call it in one repeatable-read transaction."""
    asked = case.rights_request
    held, decided = of_person(case, reader, at=at), asked.texts_read
    papers = copies.documents([party for party, _ in held.parties])
    parts = (
        Part(code="person", title="Who you are in our records", items=_people(held), note=f"Where from: {_FROM}."),
        Part(
            code="matters",
            title="Matters that are about you",
            items=_matters(held, reader, at=at),
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
            items=(*copies.items(papers, decided), *_texts(held, decided, reader, at=at)),
            note="A person read each through, as they may speak of others. The copies that go with this pack are in "
            "one file with it.",
            nothing="There are none.",
        ),
        Part(code="elsewhere", title="What is kept elsewhere", items=_elsewhere()),
        Part(code="rights", title="What you can do", items=_RIGHTS),
    )
    cover = (
        ("Request", case.reference),
        ("Received", moment(asked.received_at)),
        ("As of", moment(at)),
    )
    data = _data(case, cover, parts, copies.data(papers, decided))
    return Written(title="What we hold about you", cover=cover, parts=parts, data=data)


def _data(case: Case, cover: Rows, parts: Sequence[Part], enclosed: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
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
        "copies": list(enclosed),
    }


def _day(day: date | None) -> str:
    return f"{day:%-d %B %Y}" if day else ""


def _last(held: Held, case: Case) -> date | None:
    """Return the last day on which a closed case, or what it says of this person, is kept."""
    own = [party.dispose_after_date for party, _ in held.parties if party.case_id == case.pk]
    days = [case.dispose_after_date, *own] if case.dispose_after_date else []
    return max((day for day in days if day is not None), default=None)


def label_of(name: str) -> str:
    """Return what a field is called in what a person is given."""
    return _LABELS.get(name, name.replace("_", " ").capitalize())


def _values(opened: Opened) -> Rows:
    return filled(*((label_of(name), _value(name, value)) for name, value in opened.items()))


def _value(name: str, value: str | None) -> str | None:
    return written_day(value) if value and name == "date_of_birth" else value


def _people(held: Held) -> tuple[Item, ...]:
    homes: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for home, values in held.places:
        said = ", ".join(value for value in values.values() if value)
        homes[home.party_id].append((f"Address, {home.kind.replace('_', ' ')}", said))
        if home.source:
            homes[home.party_id].append(("This address came from", datasources.told(home.source)))
    found = []
    for party, values in held.parties:
        kind = casetypes.get(party.case.kind)
        role = dict(kind.party_roles).get(party.role, party.role)
        rows = (*_values(values), *homes[party.pk], ("Came from", datasources.told(party.source)))
        found.append(Item(head=f"{party.case.reference}, {kind.label.lower()}: {role.lower()}", rows=rows))
    return tuple(found)


def _matters(held: Held, reader: Reader, *, at: datetime) -> tuple[Item, ...]:
    found = []
    on_hold = onhold.told([party for party, _ in held.parties])
    grounds = bases.told(list(held.matters))
    for case, roles in held.matters.items():
        kind = casetypes.get(case.kind)
        kept = _day(_last(held, case)) or f"{_period(case.retention_class)} after it is closed"
        rows = filled(
            ("What it is", kind.summary),
            ("Why we have it", kind.basis.why),
            ("On which ground", grounds[case.pk]),
            ("About", kind.topic_label(case.topic)),
            ("Opened", moment(case.opened_at)),
            ("How it stands", kind.states_for_subject.get(case.state, kind.lifecycle.state(case.state).label)),
            *((label, value) for label, value in kind.facts_view(case) if label not in kind.not_for_subject),
            ("Kept until", kept),
            *on_hold.get(case.pk, ()),
            *_own_words(case, roles, reader, at=at),
        )
        found.append(Item(head=f"{case.reference}, {kind.label.lower()}", rows=rows))
        wide = replace(reader, streams=(case.uid,))
        found += [
            Item(head=f"{case.reference}, {item.head}", rows=item.rows)
            for item in kind.for_subject(case, roles, reader=wide, at=at)
        ]
    return tuple(found)


def _own_words(case: Case, roles: frozenset[str], reader: Reader, *, at: datetime) -> Rows:
    """Return what the person said in a case and what we answered them, opened."""
    kind = casetypes.get(case.kind)
    labels = {name: label for role in sorted(roles) for name, label in kind.own_words.get(role, {}).items()}
    facts = kind.facts._default_manager.filter(pk=case.pk).first() if labels else None
    if facts is None:
        return ()
    wide = replace(reader, streams=(case.uid,))
    (opened,) = sealing.open_rows([facts], tuple(labels), reader=wide, at=at)
    return filled(*((label, opened[name]) for name, label in labels.items()))


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
        said = f"{moment(row.told_at)}: {billing.TOLD.get(row.status, row.status)}, {money.pounds(row.balance_pence)}"
        told[row.account_id].append((f"Told to {row.agency.display_name}", said))
    items = []
    for holder, values, number in held.accounts:
        account = holder.account
        # What became of an account since is about those who hold it now.
        rows: Rows = (("You held it until", _day(holder.ended_date)), *_values(values))
        if holder.ended_date is None:
            known = filled(
                ("Telephone last known", _day(holder.phone_date)), ("Address known since", _day(holder.address_date))
            )
            rows = (*_of_account(account), *_values(values), *known, *flags[account.pk], *told[account.pk])
        items.append(
            Item(head=f"{billing.PRODUCTS.get(account.product, account.product)}, account {number}", rows=rows)
        )
    return (*items, *(Item(head=f"Account {number}", rows=(_NOT_SHOWN,)) for number in held.not_shown))


def _of_account(account: Account) -> Rows:
    default = money.pounds(account.default_pence) if account.default_pence is not None else ""
    return filled(
        ("As of", _day(account.as_of)),
        ("Balance", money.pounds(account.balance_pence)),
        ("Fees in it", money.pounds(account.fees_pence) if account.fees_pence else ""),
        ("Final bill", _day(account.final_bill_date)),
        ("Oldest unpaid bill", _day(account.oldest_unpaid_date)),
        ("Last payment", _day(account.last_payment_date)),
        ("How you pay", billing.PAID_BY.get(account.paid_by or "", "")),
        ("Contract ends", _day(account.contract_end_date)),
        ("Default", f"{_day(account.default_date)}, {default}" if default else ""),
        ("Came from", "Our billing system"),
    )


def _flag(code: str) -> str:
    return billing.FLAGS.get(code, code).lower()


def _choices(held: Held) -> tuple[Item, ...]:
    return tuple(Item(head=f"{said.purpose}: {said.channel}", rows=said.rows) for said in chosen.told_choices(held))


def _links(held: Held) -> tuple[Item, ...]:
    people = {party.party_id for party, _ in held.parties if party.party_id}
    return tuple(
        Item(
            head=tie.label,
            rows=(
                ("On record in", tie.case.reference),
                ("May be used in checks of either", "Yes" if tie.is_usable else "No"),
            ),
        )
        for tie in linked.ties_of(people)
        if not tie.case.is_restricted
    )


def _told(held: Held) -> tuple[Item, ...]:
    """Return each release about the person: one that names nobody was about everybody in its case."""
    mine = [party.pk for party, _ in held.parties]
    about = Q(people__party__in=mine) | Q(people=None, case__in=[case.pk for case in held.matters])
    releases = Release.objects.filter(about, case__is_restricted=False).select_related("recipient", "case").distinct()
    items: dict[int, list[ReleasedItem]] = defaultdict(list)
    for item in ReleasedItem.objects.filter(release__in=releases.values("pk")).order_by("pk"):
        items[item.release_id].append(item)
    found = []
    for release in releases.order_by("released_at", "pk"):
        given = [item for item in items[release.pk] if not _is_withheld(item, release.recipient.kind)]
        if given:
            rows = (("When", moment(release.released_at)), ("In", release.case.reference), *map(_given, given))
            found.append(Item(head=release.recipient.display_name, rows=rows))
    return (*found, *_answered(held))


def _answered(held: Held) -> tuple[Item, ...]:
    """Return who was answered whether the person may be contacted, one entry for each of them and each purpose."""
    hashes = [token for reach in own_reaches(held) for token in choices.tokens(reach)]
    rows = ContactAnswer.objects.filter(tokens__overlap=hashes).exclude(agency__kind="own_system")
    newest = {(row.agency_id, row.purpose, row.channel): row for row in rows.select_related("agency").order_by("pk")}
    return tuple(
        Item(
            head=row.agency.display_name,
            rows=filled(
                ("When", moment(row.asked_at)),
                ("Asked whether you may be contacted for", dict(codes.PURPOSES).get(row.purpose, row.purpose)),
                ("By", dict(codes.CHANNELS).get(row.channel, row.channel)),
                ("Answer", "Yes" if row.may_contact else "No"),
            ),
        )
        for row in newest.values()
    )


def _is_withheld(item: ReleasedItem, recipient: str) -> bool:
    """Say whether the person is not told of it; a correction would say who had heard what is withheld."""
    clause = notice.CLAUSES.get(item.clause)
    is_corrected = item.category == "correction" and recipient in NOT_NAMED
    return is_corrected or (clause is not None and clause.purpose in withheld)


def _given(item: ReleasedItem) -> tuple[str, str]:
    category, grounds = notice.CATEGORIES.get(item.category), notice.grounds(item.clause, item.gateway)
    words = "; ".join(each.label for each in grounds) or item.gateway
    papers = "".join(f", {each['code']} version {each['version']}" for each in item.documents)
    return (category.label if category else item.category, f"Ground: {words}{papers}")


def _letters(held: Held) -> tuple[Item, ...]:
    rows = Letter.objects.filter(party__in=[party.pk for party, _ in held.parties]).select_related("case")
    found = []
    for row in rows.exclude(state="withdrawn").order_by("requested_at", "pk"):
        template = letters.TEMPLATES.get(row.template)
        sent = _day(row.dispatched_date) or "Not sent yet"
        title = template.label if template else row.template
        found.append(Item(head=title, rows=(("In", row.case.reference), ("Sent", sent))))
    return tuple(found)


def _texts(held: Held, decided: Mapping[str, str], reader: Reader, *, at: datetime) -> tuple[Item, ...]:
    """Return every text that was read through: its words, or that it is not here."""
    known = texts.texts([party for party, _ in held.parties])
    given = [text for text in known if decided.get(text.key) == ""]
    words = {text.key: said for text, said in zip(given, texts.opened(given, reader=reader, at=at), strict=True)}
    return tuple(
        Item(head=f"{text.case.reference}, text", rows=((text.what, words.get(text.key, codes.WITHHELD)),))
        for text in known
    )


def _elsewhere() -> tuple[Item, ...]:
    """Say of what the notice names where else it is: cookies are no source of anything here."""
    policy = publiclinks.link("cookie_policy")
    read = f" Our cookie policy: {policy}" if policy else ""
    cookies = ("Cookies and tags", f"on the sites and your devices, not here.{read}")
    return (Item(head="Our web sites", rows=(cookies,)),)


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
    enclosed=copies.enclosed,
)
