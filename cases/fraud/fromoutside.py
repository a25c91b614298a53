"""A fraud that somebody outside confirmed on one of our numbers: the referral about it, found or opened."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q

from cases.kernel import calendars, intake
from cases.kernel.actors import system
from cases.kernel.finding import index, terms
from cases.kernel.models import Case, SearchEntry
from cases.ledger import keys

__all__ = ["fraud_confirmed"]

# How long after a filing word from outside may still be of its fraud, where nobody can say when that was.
STILL_THE_SAME = timedelta(days=30)
_TOLD = "An organisation that we exchange checks with says that a fraud on this number is confirmed."


def fraud_confirmed(number: str, *, swapped_at: datetime | None, at: datetime, source: str = "") -> Case:
    """Return the newest open referral that names a number, untouched; where there is none, open one. A filing tells of
    no later fraud: it is the one meant only where the SIM was changed before it was filed or, of a fraud without a
    change of SIM, as long as word of it may still come.

    What it is opened with says neither who told us nor what they had asked. Without `swapped_at`, a change of SIM that
    we confirmed, it says nothing of a SIM. Joins the open transaction; locks the number until it ends.
    """
    value = terms.phone(number)
    tokens = [index.Blinder(index.OFFICE, each).token("phone", value) for each in keys.index_versions()]
    # Two words about one number at one moment: the second waits, and finds what the first opened.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"fraud_confirmed:{max(map(str, tokens))}"]
        )
    named = SearchEntry.objects.filter(space=index.OFFICE, note=None, tokens__overlap=tokens).values("case_id")
    since = calendars.london_date(swapped_at) if swapped_at else calendars.london_date(at) - STILL_THE_SAME
    not_later = Q(fraud_referral__filed_date=None) | Q(fraud_referral__filed_date__gte=since)
    known = Case.objects.filter(not_later, kind="fraud_referral", is_closed=False, is_restricted=False, pk__in=named)
    return known.order_by("-opened_at", "-pk").first() or _open(number, swapped_at=swapped_at, at=at, source=source)


def _open(number: str, *, swapped_at: datetime | None, at: datetime, source: str) -> Case:
    facts: dict[str, Any] = {
        "fpa_case_type": "facility_takeover",
        "reasons": ["unauth_sim_swap" if swapped_at else "unauth_payment"],
        "product": "mob_paym",
        "sales_channel": "phone",
        "discovered_date": calendars.london_date(at),
        "narrative": _TOLD
        + (f" Its SIM was changed on {calendars.london_date(swapped_at):%-d %B %Y}." if swapped_at else ""),
    }
    people = [{"role": "victim_of_takeover", "is_innocent": True, "source": "partner", "values": {"phone": number}}]
    return intake.open_arising(
        "fraud_referral", facts=facts, people=people, actor=system("fraud_watch", source=source), at=at
    )
