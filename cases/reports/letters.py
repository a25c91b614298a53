"""Letters to people: written for one person from that person's own data, kept sealed, and given to the post."""

from __future__ import annotations

import base64
import hashlib
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import OperationalError, transaction
from django.template.loader import render_to_string

from cases.kernel import actors, calendars, casetypes, clocks, holds, locks, record, releases, tasks
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError
from cases.kernel.evidence import blobs
from cases.kernel.exchange import letters as notices
from cases.kernel.models import Agency, Case, Letter, Task
from cases.kernel.office import lettertexts
from cases.kernel.timing import places
from cases.ledger import sealing
from cases.reports import lettertext, press, sender
from cases.reports.pdf import Paper, Printed

__all__ = ["make_due_letters", "open_letter", "write"]

log = logging.getLogger(__name__)

BATCH = 50
POST_CLASS = "first"
LINES = ("line_1", "line_2", "town", "postcode", "country")
NAME_FIELDS = ("title", "forename", "surname")


class LetterRefused(CaseError):
    """The letter cannot be written from what the case holds. `problem` is a code for the task."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"The letter cannot be written: {problem.replace('_', ' ')}.")
        self.problem = problem


@dataclass(frozen=True, kw_only=True)
class Addressee:
    """To whom one letter goes, opened from that person's row alone."""

    name: str
    lines: dict[str, str]

    @property
    def block(self) -> list[str]:
        return [self.name, *self.lines.values()]


def make_due_letters(*, now: datetime) -> int:
    """Write the letters that are due and return how many went to the post. Several workers may run at once.

    A letter that cannot be written becomes a task; it is tried again once that task is closed, and others go
    on. One that a hold on contact stops is written once no hold stops it.
    """
    due = notices.due(now=now).filter(~notices.stuck()).order_by("pk").values_list("pk", flat=True)
    return sum(_attempt(letter_id, now=now) for letter_id in list(due[:BATCH]))


def _attempt(letter_id: int, *, now: datetime) -> bool:
    """Write one letter. A fault of ours is logged, becomes a task and stops none of the others."""
    try:
        return write(letter_id, now=now)
    except OperationalError:  # the database is away: no letter is to blame
        raise
    except Exception:
        log.exception("letter_fault", extra={"letter_id": letter_id})
        _fail(Letter.objects.get(pk=letter_id), problem="fault", now=now)
        return False


def write(letter_id: int, *, now: datetime) -> bool:
    """Write one letter and promise it to the post house. False when it is not due, or something stood in the way.

    Opens the person's name and address, which the access log keeps; sets the page outside any transaction.
    """
    letter = Letter.objects.select_related("case__key", "party").filter(pk=letter_id, state="due").first()
    if letter is None or _withdrawn(letter, now=now) or _is_held(letter, now=now) or _is_taken_back(letter, now=now):
        return False
    version = letter.case.version
    try:
        addressee = _addressee(letter, now=now)
        printed = press.press(_paper(letter, addressee, now=now))
        return _hand_over(letter, addressee, printed, version=version, now=now)
    except CaseError as refused:
        _fail(letter, problem=getattr(refused, "problem", type(refused).__name__), now=now)
        return False


def _maker(case: Case) -> Actor:
    return actors.system("letters", source=case.source)


@transaction.atomic
def _withdrawn(letter: Letter, *, now: datetime) -> bool:
    """Take back a letter to a person who is no longer part of the case."""
    if not letter.party.is_detached:
        return False
    case = locks.case_for_update(letter.case_id)
    row = Letter.objects.select_for_update().get(pk=letter.pk)
    if row.state == "due":
        with record.act(case, "letter.withdrawn", actor=_maker(case), at=now, detail={"letter": str(row.uid)}):
            row.state = "withdrawn"
            row.save(update_fields=["state"])
    return True


@transaction.atomic
def _is_held(letter: Letter, *, now: datetime) -> bool:
    """Say whether a hold stops contact with the person; then the letter stays due, and one task says so."""
    if not holds.blocks(letter.case, "contact", at=now, person=letter.party):
        return False
    case, detail = locks.case_for_update(letter.case_id), {"letter": str(letter.uid)}
    if not Task.objects.filter(case=case, kind=notices.HELD, detail__contains=detail).exists():
        with record.act(case, "letter.held", actor=_maker(case), at=now, detail=detail):
            tasks.raise_task(notices.HELD, case=case, at=now, letter=str(letter.uid))
    return True


def _is_taken_back(letter: Letter, *, now: datetime) -> bool:
    """Say whether the kind of the case has taken the letter back, asked as it is about to be written."""
    ask = casetypes.get(letter.case.kind).reacts.get("letter_due")
    return bool(ask and ask(letter, at=now))


def _reader(letter: Letter) -> sealing.Reader:
    return sealing.Reader(
        actor=_maker(letter.case).label, verb="letter", purpose="inform_person", streams=(letter.case.uid,)
    )


def _addressee(letter: Letter, *, now: datetime) -> Addressee:
    """Open the name and the home of one person. Raises LetterRefused when either is missing or erased, or what is known
    of the home is too little for an envelope."""
    reader = _reader(letter)
    home = places.home_of(letter.party)
    if home is None:
        raise LetterRefused("no_address")
    (person,) = sealing.open_rows([letter.party], NAME_FIELDS, reader=reader, at=now)
    (place,) = sealing.open_rows([home], LINES, reader=reader, at=now)
    if any(isinstance(value, sealing.Erased) for value in (*person.values(), *place.values())):
        raise LetterRefused("erased")
    name = " ".join(value for value in person.values() if value)
    if not places.is_whole(place["line_1"], place["town"], place["postcode"]):
        raise LetterRefused("no_address")
    if not person["surname"]:
        raise LetterRefused("no_name")
    return Addressee(name=name, lines={field: value for field, value in place.items() if value})


TOLD = (
    ("surname", "your name"),
    ("alias", "your name"),
    ("date_of_birth", "your date of birth"),
    ("phone", "your telephone number"),
    ("email", "your e-mail address"),
    ("employer", "your employer"),
    ("bank_account", "your bank account"),
    ("account_reference", "your account with us"),
    ("identity_document", "an identity document"),
    ("vehicle_registration", "a vehicle"),
    ("device", "a device or SIM"),
    ("ip_address", "an IP address"),
)


def _paper(letter: Letter, addressee: Addressee, *, now: datetime) -> Paper:
    """Return the letter ready for the press. Its template sees this person's rows, the case's open facts, and what was
    typed for the person. Raises LetterRefused where that is erased."""
    case, template = letter.case, notices.TEMPLATES[letter.template]
    casetype = casetypes.get(case.kind)
    facts = casetype.facts._default_manager.get(pk=case.pk)
    firm = sender.firm().of(case.team.code if case.team else "")
    agency = Agency.objects.filter(kind__in=casetype.agency_kinds, is_active=True).order_by("pk").first()
    periods = {clock.rule: clock for clock in case.clocks.filter(party=letter.party, ended_at=None).order_by("pk")}
    kept = lettertext.kept_until(template, periods)
    context = {
        "firm": firm,
        "letter": letter,
        "title": f"Letter about your case {case.reference}",
        "made_at": now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "date": calendars.london_date(now),
        "addressee": addressee,
        "reference": case.reference,
        "role": letter.party.role,
        "told": _told(letter),
        "facts": facts,
        "said": _said(letter, facts, template, now=now) if template.says else (),
        "matter": casetype.topic_label(case.topic),
        "periods": periods,
        **lettertext.lengths(template, case, now=now),
        "keep_for": clocks.length_of(kept) if kept else "",
        "keep_until": kept.due_date if kept else None,
        "agency": agency,
        "agency_contact": firm.agencies.get(agency.kind) if agency else None,
    }
    text = lettertexts.text_of(letter.template, letter.template_version)
    if text is not None:
        context["blocks"] = lettertext.filled(letter.template, text.body, context)
    return Paper(
        html=render_to_string(lettertext.TEMPLATE if text else template.template, context),
        css=render_to_string("cases/reports/letter.css"),
        identifier=hashlib.sha256(f"letter {letter.uid}".encode()).hexdigest()[:32],
        made_at=now.isoformat(),
    )


def _said(letter: Letter, facts: Any, template: notices.Template, *, now: datetime) -> list[str]:
    """Open what is said to the person alone; the access log says so."""
    row = template.says_of(letter) if template.says_of else facts
    (opened,) = sealing.open_rows([row], template.says, reader=_reader(letter), at=now)
    if any(isinstance(value, sealing.Erased) for value in opened.values()):
        raise LetterRefused("erased")
    return [str(value) for value in opened.values() if value]


def _told(letter: Letter) -> list[str]:
    """Return in words what kinds of data about this person the filing held: those the case knows."""
    known = {field for field, _ in TOLD if getattr(letter.party, field, None) is not None}
    has_address = letter.party.addresses.filter(is_detached=False).exists()
    words = [*(word for field, word in TOLD if field in known), *(["your address"] if has_address else [])]
    return list(dict.fromkeys(words))


@transaction.atomic
def _hand_over(letter: Letter, addressee: Addressee, printed: Printed, *, version: int, now: datetime) -> bool:
    """Keep the letter sealed, register its release and promise it to the post house: one event, one transaction.

    False when another worker was first, or the case changed while the page was set. Raises LetterRefused, NoChannel
    and ReleaseRefused; nothing is then written.
    """
    case = locks.case_for_update(letter.case_id)
    row = Letter.objects.select_for_update().get(pk=letter.pk)
    if row.state != "due" or case.version != version:
        return False
    houses = Agency.objects.select_related("terms").filter(kind=notices.LETTER.recipient_kind, is_active=True)
    post = houses.order_by("pk").first()
    if post is None:
        raise LetterRefused("no_post_house")
    row.sha256, row.pages = hashlib.sha256(printed.data).hexdigest(), printed.pages
    detail = {"letter": str(row.uid), "template": row.template, "sha256": row.sha256, "pages": row.pages}
    with record.act(case, "letter.rendered", actor=_maker(case), at=now, detail=detail):
        row.blob = blobs.store_blob(printed.data, case=case, field="letter", at=now)
        row.message = releases.send(
            case,
            notices.LETTER,
            agency=post,
            body=_body(row, addressee, printed),
            actor=_maker(case),
            at=now,
            subject_count=1,
            parties=[row.party],
            # One that the post house refused is promised anew.
            dedupe=f"letter:{row.uid}" + (f":{row.message_id}" if row.message_id else ""),
        )
        row.state = "rendered"
        row.save()
        tasks.close_about(case, notices.HELD, actor=_maker(case), at=now, letter=str(row.uid))
    return True


def _body(row: Letter, addressee: Addressee, printed: Printed) -> dict[str, object]:
    return {
        "letter_sha256": row.sha256,
        "pages": printed.pages,
        "content_base64": base64.b64encode(printed.data).decode("ascii"),
        "language": row.language,
        "class": POST_CLASS,
        "addressee": {"name": addressee.name, **addressee.lines},
    }


@transaction.atomic
def _fail(letter: Letter, *, problem: str, now: datetime) -> None:
    """Raise one task for a letter that could not be written; it stays due, or is taken back to be told by hand."""
    case = locks.case_for_update(letter.case_id)
    detail = {"letter": str(letter.uid), "problem": problem}
    about = Task.objects.filter(case=case, kind=notices.FAILED, closed_at=None, detail__letter=str(letter.uid))
    if about.exists():
        return
    with record.act(case, "letter.failed", actor=_maker(case), at=now, detail=detail):
        row = Letter.objects.select_for_update().get(pk=letter.pk)
        row.case = case
        notices.cannot_go(row, problem=problem, at=now)
    log.error("letter %s could not be written: %s", letter.uid, problem)


def open_letter(letter: Letter, *, reader: sealing.Reader, at: datetime) -> bytes | None:
    """Return the bytes of a written letter, None once erased or not yet written. Writes the reader's access row."""
    blob = letter.blob
    if blob is None:
        return None
    return sealing.open_bytes(
        bytes(blob.sealed),
        key_id=blob.key_id,
        label="cases.storedblob",
        uid=blob.uid,
        field="letter",
        reader=reader,
        at=at,
    )
