"""What a standing marker puts elsewhere, and how it goes with the marker: on removal, on expiry, on amendment."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q

from cases.fraud import expiry
from cases.fraud.models import DerivedFlag
from cases.kernel import clocks
from cases.kernel.models import Case, CaseLink, CaseParty
from cases.kernel.prepared import Prepared
from cases.ledger import api as ledger

__all__ = ["fit", "live", "purge", "purge_heard", "still_marked"]

# Of a filing that stands, or stood until its time was up.
_ON_FILE = ("filed", "disputed", "removal_requested", "expired")


def still_marked(case: Case, people: Collection[int]) -> bool:
    """Say whether a filing of ours, or another member's record that somebody confirmed, is about a case of another
    kind: linked with it, or about one of its people, by their joined person. Two queries at most."""
    links = CaseLink.objects.filter(removed_at=None)
    linked = Q(pk__in=links.filter(other=case).values("case")) | Q(pk__in=links.filter(case=case).values("other"))
    rows = CaseParty.objects.filter(party__in=people, is_detached=False, is_innocent=False)
    filings = Case.objects.filter(kind="fraud_referral", state__in=_ON_FILE, is_restricted=False)
    if filings.filter(linked | Q(pk__in=rows.values("case"))).exists():
        return True
    confirmed = DerivedFlag.objects.filter(kind="warning", code="match", notice__outcome="confirmed")
    return confirmed.filter(party__in=rows).exists()


def live(case: Case) -> list[DerivedFlag]:
    """Return the flags that follow from the case's own marker and were not purged, oldest first. What another agency's
    word put there ends by its own time."""
    return _LIVE.objects(case=case.pk)


_OTHERS = Q(kind="warning", agency__isnull=False)
_LIVE = Prepared(
    lambda case: DerivedFlag.objects.filter(~_OTHERS, case=case, purged_at=None).order_by("pk"), case=-(10**15) - 1
)


def fit(case: Case, *, at: datetime, marked: Sequence[CaseParty] | None = None) -> None:
    """Warn of each person with an adverse marker and of nobody else, inside the current ledger action on a locked case.
    The innocent never get one; whoever is found innocent or taken out, or whose marker has ended, loses what there was.
    `marked` are those of whom a marker stands, where the caller has just read them.
    """
    marked = expiry.standing(case, at=at) if marked is None else marked
    adverse = {party.pk for party in marked if not party.is_innocent}
    known = live(case)
    _purge([flag for flag in known if flag.party_id not in adverse], at=at)
    warned = {flag.party_id for flag in known if flag.kind == "warning"}
    ledger.bulk_create(
        DerivedFlag,
        [DerivedFlag(case=case, party_id=pk, kind="warning", raised_at=at) for pk in sorted(adverse - warned)],
    )


def purge(case: Case, *, at: datetime) -> int:
    """Purge every flag of a locked case, inside the current ledger action. Returns how many."""
    flags = live(case)
    _purge(flags, at=at)
    return len(flags)


def purge_heard(case: Case, *, at: datetime, **about: Any) -> None:
    """Purge what agencies' words put about a person of a locked case who is not the one, and end its time, inside the
    current ledger action."""
    heard = DerivedFlag.objects.filter(case=case, kind="warning", agency__isnull=False, purged_at=None, **about)
    found = list(heard.select_related("clock").order_by("pk"))
    _purge(found, at=at)
    for clock in [flag.clock for flag in found if flag.clock is not None and flag.clock.ended_at is None]:
        clocks.end_one(case, clock, at=at, state="cancelled")


def _purge(flags: list[DerivedFlag], *, at: datetime) -> None:
    for flag in flags:
        flag.purged_at = at
    if flags:
        ledger.bulk_update(DerivedFlag, flags, ["purged_at"])
