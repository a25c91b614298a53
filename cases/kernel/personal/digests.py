"""Who wants to be told by mail, on which mornings, how much waits for them; and which of these mails are due.

A mail holds numbers alone: no case, no kind, no name, and nothing of what is restricted. Each morning's mail is sent
once at most: whoever takes it in hand writes that first, and a worker that dies with it leaves it at that. Only where
the mail server said that it did not take it is it tried again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Q

from cases.kernel import actors, calendars
from cases.kernel.errors import CaseError
from cases.kernel.models import Digest, User
from cases.kernel.personal import taskdesk
from cases.kernel.reading import worklist

__all__ = ["DAYS", "SUBJECT", "Claimed", "DigestRefused", "chosen", "choose", "claim", "finish", "forget"]

# London time from which the morning's mail is sent.
FROM = time(7, 30)
DAYS = {"": "Never", "working_days": "Every working day", "weekly": "The first working day of a week"}
SUBJECT = "What waits for you this morning"
LONGEST = 120
MOST_TRIES = 5
AGAIN_AFTER = timedelta(minutes=10)


class DigestRefused(CaseError):
    """It cannot be chosen like this; the message is fit to show."""


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """One mail in hand; `uid` is the same at every try of a morning. Nothing is sent where `text` is empty."""

    digest_id: int
    uid: str
    address: str
    text: str


def chosen(user: User) -> Digest | None:
    """Return what a person chose. One query."""
    return Digest.objects.filter(owner=user).first()


def choose(user: User, days: str, *, address: str, domain: str, at: datetime) -> None:
    """Keep where and on which mornings a person is told, from the next one on. Raises DigestRefused, also for an
    address that is not of `domain`, the firm's own."""
    if days not in DAYS:
        raise DigestRefused("Choose when the mail comes.")
    if not days:
        forget(user.pk)
        return
    address = address.strip()
    try:
        validate_email(address)
    except ValidationError:
        raise DigestRefused("Type an e-mail address.") from None
    if len(address) > LONGEST or address.rpartition("@")[2].lower() != domain.lower():
        raise DigestRefused(f"Type an address of the firm: it ends in @{domain}.")
    kept = {"days": days, "address": address, "chosen_at": at}
    begins = {"owner": user, "mail_date": calendars.london_date(at), **kept}
    Digest.objects.update_or_create(owner=user, defaults=kept, create_defaults=begins)


def forget(user: int) -> int:
    """Tell this person no more. Returns how many rows went."""
    return Digest.objects.filter(owner=user).delete()[0]


def claim(*, now: datetime) -> Claimed | None:
    """Take one of the mails that are due in hand and commit that, or return None; those of people who left are not due.
    Locks the row and skips what another has locked. Opens nothing sealed."""
    local, day = now.astimezone(calendars.LONDON), calendars.london_date(now)
    calendar = calendars.of(calendars.seat())
    if local.time() < FROM or not calendar.is_working_day(day):
        return None
    earlier = (day - timedelta(days=back) for back in range(1, day.weekday() + 1))
    kinds = ["working_days", *([] if any(map(calendar.is_working_day, earlier)) else ["weekly"])]
    fresh = Q(days__in=kinds) & (Q(mail_date=None) | Q(mail_date__lt=day))
    again = Q(mail_date=day, state="pending", due_at__lte=now)
    with transaction.atomic():
        rows = Digest.objects.select_for_update(skip_locked=True, of=("self",)).select_related("owner")
        row = rows.filter(fresh | again, owner__is_active=True).order_by("mail_date", "pk").first()
        if row is None:
            return None
        row.tries = row.tries + 1 if row.mail_date == day else 1
        row.mail_date, row.state = day, "sending"
        row.save(update_fields=["tries", "mail_date", "state"])
    return Claimed(
        digest_id=row.pk,
        uid=f"digest-{row.owner.uid}-{day}",
        address=row.address,
        text=_words(row.owner, at=now),
    )


def finish(one: Claimed, *, error: str, now: datetime) -> None:
    """Write how a mail ended: sent, nothing to send, or not taken, which is due again in ten minutes, at most five
    times."""
    row = Digest.objects.filter(pk=one.digest_id, state="sending")
    if not error:
        row.update(state="sent" if one.text else "nothing", error="")
        return
    row.filter(tries__lt=MOST_TRIES).update(state="pending", error=error[:80], due_at=now + AGAIN_AFTER)
    row.filter(tries__gte=MOST_TRIES).update(state="failed", error=error[:80])


LINES = {
    "overdue": ("case is overdue", "cases are overdue"),
    "today": ("case is due today", "cases are due today"),
    "decisions": ("decision waits for you", "decisions wait for you"),
    "tasks": ("task waits for you", "tasks wait for you"),
}


def _words(user: User, *, at: datetime) -> str:
    """Return what the mail says, or nothing where nothing waits. One query beside that of the person's rights."""
    actor = actors.staff(user)
    mine = worklist.my_cases(actor).filter(is_restricted=False)
    given, of_cases = (part.exclude(case__is_restricted=True) for part in taskdesk.own(actor))
    found = worklist.capped(
        {
            "overdue": mine.filter(due_at__lt=at),
            "today": mine.filter(due_at__gte=at, due_at__lt=worklist.end_of_today(at)),
            "decisions": worklist.my_decisions(actor).filter(case__is_restricted=False),
            "given": given,
            "of_cases": of_cases,
        }
    )
    found["tasks"] = min(found.pop("given") + found.pop("of_cases"), worklist.CAP + 1)
    lines = [_line(found[name], *words) for name, words in LINES.items() if found[name]]
    return "\n".join(lines)


def _line(count: int, one: str, many: str) -> str:
    number = f"More than {worklist.CAP}" if count > worklist.CAP else str(count)
    return f"{number} {one if count == 1 else many}."
