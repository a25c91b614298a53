"""The ledger of choices: what each person allowed or stopped, per purpose and channel, and what counts now.

A person is known here by keyed hashes of what they are reached by: telephone, e-mail, account, home. A stop suppresses,
it deletes nothing. What no row speaks of is as the notice says: text, e-mail, records of use and others' products are
off until somebody says yes.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from cases.kernel import calendars, formats, locks, record
from cases.kernel.actors import system
from cases.kernel.models import Case, CaseAddress, CaseParty
from cases.kernel.office import policydocs
from cases.ledger import api as ledger
from cases.ledger import keys, sealing
from cases.rights import codes
from cases.rights.models import Choice, RightsRequest

__all__ = [
    "Verdict",
    "changed",
    "changed_elsewhere",
    "joined",
    "reach_of",
    "reach_of_case",
    "reach_of_people",
    "standing",
    "tokens",
    "verdicts",
    "write",
]

_Key = tuple[bytes, str, str]
_KIND = "rights_request"
HOME = "home"
_HASHED_FOR = "contact_choice"
_FIELDS = ("phone", "email", "account_reference", "surname")
_PLACE = ("line_1", "postcode")


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether a person may be contacted, and the code of why."""

    may_contact: bool
    reason: str


def reach_of(given: Mapping[str, Any]) -> dict[str, str]:
    """Return what a person is reached by, each in its one form. `given` may hold phone, email, account, and surname
    with line_1 and postcode. What has no right form reaches nobody."""
    found = {"phone": _phone(given.get("phone")), "email": str(given.get("email") or "").strip().casefold()}
    account = str(given.get("account") or given.get("account_reference") or "")
    found["account"] = "".join(each for each in account.casefold() if each.isalnum())
    parts = [str(given.get(name) or "") for name in ("surname", *_PLACE)]
    squeezed = ["".join(each for each in part.casefold() if each.isalnum()) for part in parts]
    found["home"] = "|".join(squeezed) if all(squeezed) else ""
    return {reach: value for reach, value in found.items() if value}


def _phone(text: Any) -> str:
    try:
        return formats.phone(str(text)) if text else ""
    except formats.BadFormat:
        return ""


def reach_of_people(people: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return the reach of people in the shape that opening a case takes, one entry for each of their homes; whoever
    acts for somebody chooses nothing for themselves."""
    found = []
    for person in people:
        if person.get("role") != "representative":
            values = dict(person.get("values", {}))
            found += [reach_of({**values, **place}) for place in (person.get("addresses") or [{}])]
    return [reach for reach in found if reach]


def reach_of_case(
    case: Case, *, at: datetime, verb: str = "suppress", also_joined: bool = False
) -> list[dict[str, str]]:
    """Return the reach of the people of a case, opened for this; the access log says so. With `also_joined`, by
    whatever other cases say that they are reached by, of whoever somebody decided that it is they."""
    own = Q(case=case, role="person", is_detached=False)
    rows = CaseParty.objects.select_related("case")
    parties = list(rows.filter(own).order_by("number"))
    if also_joined and (joined := {each.party_id for each in parties if each.party_id}):
        said = rows.filter(party__in=joined, is_detached=False, key__destroyed_at=None)
        parties += said.exclude(own).order_by("case_id", "number")
    streams = tuple(dict.fromkeys((case.uid, *(each.case.uid for each in parties))))
    reader = sealing.Reader(actor="system:rights", verb=verb, purpose="honour_choices", streams=streams)
    homes = list(CaseAddress.objects.filter(party__in=parties, is_detached=False).order_by("pk"))
    opened = sealing.open_rows(parties, _FIELDS, reader=reader, at=at)
    places = sealing.open_rows(homes, _PLACE, reader=reader, at=at) if homes else []
    people = []
    for party, values in zip(parties, opened, strict=True):
        of_party = [_plain(place) for home, place in zip(homes, places, strict=True) if home.party_id == party.pk]
        people.append({"values": _plain(values), "addresses": of_party})
    return reach_of_people(people)


def _plain(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: value for name, value in values.items() if isinstance(value, str)}


def tokens(reach: Mapping[str, str]) -> list[bytes]:
    """Return every hash under which a choice of this person may be kept."""
    return [token for _, token in _hashed(reach)]


def _hashed(reach: Mapping[str, str]) -> list[tuple[str, bytes]]:
    """Return every hash of a person with what it is the hash of."""
    return [(kind, each) for kind, value in sorted(reach.items()) for each in _hashes(kind, value)]


def _hashes(kind: str, value: str) -> list[bytes]:
    """Return every hash under which one thing that a person is reached by may be kept, the newest first. A home is kept
    without marks: who wrote Sian stops what goes to Siân. Before that was so, it was kept as it was written."""
    written = dict.fromkeys((_without_marks(value), value)) if kind == HOME else (value,)
    return [each for form in written for each in keys.kept_hashes(_HASHED_FOR, f"{kind}:{form}")]


def _without_marks(text: str) -> str:
    return "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))


def changed(facts: RightsRequest) -> list[tuple[str, str, bool]]:
    """Return (purpose, channel, allowed) of everything that a request changes at once; nothing for another right."""
    change = codes.CHANGES.get(facts.right)
    if change is None:
        return []
    is_of_all = not facts.channels or {code for code, _ in codes.CHANNELS} <= set(facts.channels)
    channels = change.channels or ((codes.ALL,) if is_of_all else tuple(facts.channels))
    purposes = change.purposes or tuple(facts.purposes)
    said = [(purpose, channel) for purpose in purposes for channel in channels]
    if facts.right == codes.STOP_MARKETING:
        also = codes.WITH_STOP_OF_ALL if is_of_all else codes.WITH_STOP_OF_A_SCREEN
        seen_on = channels if is_of_all else [each for each in channels if each in codes.SCREENS]
        said += [(purpose, channel) for purpose in also for channel in seen_on]
    return [(purpose, channel, change.is_allowed) for purpose, channel in said]


def write(
    case: Case, facts: RightsRequest, people: Iterable[Mapping[str, Any]] | None = None, *, at: datetime
) -> list[Choice]:
    """Enter what a request changes in the ledger of choices, inside the current ledger action, for whatever of it is
    not entered yet. Without `people`, those of the case; then a stop is entered for whatever they are reached by in
    cases that they are joined with, and a consent is not: nobody agreed by another number. Counts from the moment the
    request was received; what corrects an entry of the same request, from now. A consent that a correction leaves out
    is taken back from now."""
    said, entered = changed(facts), _entered(case)
    if not said and not entered:
        return []
    also_joined = not any(is_allowed for _, _, is_allowed in said)
    reaches = reach_of_people(people) if people is not None else reach_of_case(case, at=at, also_joined=also_joined)
    meant = _meant(reaches, said, entered)
    left_out = {
        key: (row.reach, False)
        for key, row in entered.items()
        if row.is_allowed and row.reach != HOME and key not in meant
    }
    rows = [
        Choice(
            case=case,
            reach=reach,
            token=key[0],
            purpose=key[1],
            channel=key[2],
            is_allowed=is_allowed,
            said_at=at if key in entered else facts.received_at,
            source=facts.came_by,
            wording_version=facts.wording_version,
        )
        for key, (reach, is_allowed) in {**meant, **left_out}.items()
        if key not in entered or entered[key].is_allowed != is_allowed
    ]
    return ledger.bulk_create(Choice, rows) if rows else []


def joined(people: Sequence[CaseParty], *, at: datetime) -> None:
    """Somebody decided that these are one person: what they stopped in a request counts for whatever any of their cases
    says that they are reached by, from when they said it. Inside the acts that join them."""
    for facts in _stops(people):
        with record.act(facts.case, "person.joined", actor=system("rights"), at=at):
            write(facts.case, facts, at=at)


def changed_elsewhere(people: Sequence[CaseParty], case: Case, *, at: datetime) -> None:
    """What a case says of somebody was changed who is joined with these: what they stopped in another request counts
    for that too. Inside the act that changes it; locks each such request, without waiting. Raises CaseBusy."""
    for facts in _stops([each for each in people if each.case_id != case.pk]):
        stop = locks.another_for_update(facts.case_id)
        with record.act(stop, "person.reached_anew", actor=system("rights"), at=at):
            write(stop, facts, at=at)


def _stops(people: Sequence[CaseParty]) -> list[RightsRequest]:
    """Return the requests among the cases of these people by which something was stopped, the oldest first."""
    asked = {each.case_id for each in people if each.case.kind == _KIND and each.role == "person"}
    rows = RightsRequest.objects.select_related("case").filter(case__in=asked, case__key__destroyed_at=None)
    return [facts for facts in rows.order_by("case") if facts.is_stop and facts.case.state != "void"]


def _entered(case: Case) -> dict[_Key, Choice]:
    """Return what a request has entered so far, the newest of each hash, purpose and channel. One query."""
    rows = Choice.objects.filter(case=case).order_by("said_at", "-is_allowed", "pk")
    return {(bytes(row.token), row.purpose, row.channel): row for row in rows}


def _meant(
    reaches: Iterable[Mapping[str, str]], said: Sequence[tuple[str, str, bool]], entered: Mapping[_Key, Choice]
) -> dict[_Key, tuple[str, bool]]:
    """Return reach and answer of everything that a request says now, under the hashes that are entered already or else
    under the newest."""
    found: dict[_Key, tuple[str, bool]] = {}
    for kind, value in (pair for reach in reaches for pair in reach.items()):
        newest, *_ = hashes = _hashes(kind, value)
        for purpose, channel, is_allowed in said:
            if is_allowed and kind == HOME:  # who shares it has agreed to nothing
                continue
            kept = [(each, purpose, channel) for each in hashes if (each, purpose, channel) in entered]
            found.update(dict.fromkeys(kept or [(newest, purpose, channel)], (kind, is_allowed)))
    return found


def standing(reach: Mapping[str, str]) -> list[Choice]:
    """Return every choice of a person, oldest first. One query."""
    return list(Choice.objects.filter(token__in=tokens(reach)).select_related("case").order_by("said_at", "pk"))


def verdicts(reaches: Sequence[Mapping[str, str]], *, purpose: str, channel: str, at: datetime) -> list[Verdict]:
    """Return for each person whether they may be contacted for a purpose by a channel now. One query, however many,
    and one more for the assessment that a purpose stands on which nobody has to agree to.

    Of what is known of a person every part must allow it: a stop by one telephone number stops the e-mail of whoever
    is known to have that number. Where the notice asks for consent, nobody must have said no, and the yes must stand on
    what it is for: a text's on its number, an e-mail's on its address, and none on a home that others share. A yes of
    a case that is void was never said. Where it asks for none, the assessment of our interest must be in force on the
    London day, UK GDPR Art 6(1)(f).
    """
    if purpose == codes.SERVICE:
        return [Verdict(may_contact=True, reason="service_message")] * len(reaches)
    hashed = [_hashed(reach) for reach in reaches]
    wanted = {purpose, "usage_data"} if purpose == "personalise" else {purpose}
    rows = Choice.objects.filter(
        token__in=[token for each in hashed for _, token in each], purpose__in=wanted, channel__in=[channel, codes.ALL]
    ).exclude(is_allowed=True, case__state="void")
    newest: dict[tuple[bytes, str], bool] = {}
    # A no wins over a yes of the same moment.
    for row in rows.order_by("said_at", "-is_allowed", "pk").values_list("token", "purpose", "is_allowed"):
        newest[bytes(row[0]), row[1]] = row[2]
    found = [_verdict(each, newest, wanted, purpose=purpose, channel=channel) for each in hashed]
    if all(each.reason != "not_objected" for each in found) or _is_assessed(at):
        return found
    unassessed = Verdict(may_contact=False, reason="not_assessed")
    return [unassessed if each.reason == "not_objected" else each for each in found]


def _is_assessed(at: datetime) -> bool:
    return not policydocs.why_not({codes.ASSESSMENT}, day=calendars.london_date(at))


def _verdict(
    hashed: list[tuple[str, bytes]],
    newest: Mapping[tuple[bytes, str], bool],
    wanted: set[str],
    *,
    purpose: str,
    channel: str,
) -> Verdict:
    if not hashed:
        return Verdict(may_contact=False, reason="nobody_named")
    needs_yes = {(purpose, channel), (purpose, codes.ALL)} & codes.NEEDS_CONSENT
    said = [(kind, each, newest[token, each]) for kind, token in hashed for each in wanted if (token, each) in newest]
    if not all(is_allowed for _, _, is_allowed in said):
        return Verdict(may_contact=False, reason="consent_withdrawn" if needs_yes else "stopped")
    stands_on = codes.CONSENT_STANDS_ON.get(channel, codes.CONSENT_STANDS_ON_ANY)
    agreed = {each for kind, each, _ in said if kind in stands_on}
    if needs_yes and agreed != wanted:
        return Verdict(may_contact=False, reason="no_consent")
    return Verdict(may_contact=True, reason="consent" if needs_yes else "not_objected")
