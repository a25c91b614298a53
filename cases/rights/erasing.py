"""Which matters of the person who asks can be erased, what keeps the others, and what became of those that were chosen:
UK GDPR Art 17."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cases.kernel import calendars, casetypes, retention
from cases.kernel.actors import Actor
from cases.kernel.disposal import erasing
from cases.kernel.models import Case, CaseParty, Erasure
from cases.rights import held

__all__ = ["ACCOUNT", "Matter", "decide", "fates", "matters"]


ACCOUNT = "Their account stays with billing. Choose “Done in part”, and why the rest is not done."


@dataclass(frozen=True, kw_only=True)
class Matter:
    """One case in which the person stands, and what keeps it from being erased."""

    case: Case
    why_kept: str

    @property
    def name(self) -> str:
        return f"{self.case.reference}, {casetypes.get(self.case.kind).label.lower()}"

    @property
    def label(self) -> str:
        """What it is and as what it is kept, so that whoever chooses it sees what the schedule says."""
        kept = f"kept as {retention.name_of(self.case.retention_class).lower()}"
        until = self.case.dispose_after_date
        return f"{self.name}: {kept}{f' until {until:%-d %B %Y}' if until else ''}"


def matters(case: Case, *, at: datetime | None = None) -> list[Matter]:
    """Return every other matter of the person that is not erased, oldest first. Without `at`, as the database's clock
    has it. As many queries, however many matters; opens nothing."""
    rows = [row for row in held.rows(case) if row.case_id != case.pk]
    theirs = {row.pk for row in rows}
    found = {row.case_id: row for row in rows}
    others = CaseParty.objects.filter(case__in=list(found), is_detached=False).exclude(pk__in=theirs)
    shared = set(others.values_list("case_id", flat=True))
    why_not = erasing.why_not_each([row.case for row in found.values()], at=at)
    return [Matter(case=row.case, why_kept=_why_kept(row, shared) or why_not[pk]) for pk, row in found.items()]


def _why_kept(row: CaseParty, shared: set[int]) -> str:
    if held.is_beside(row):
        return "They only act for somebody there."
    return "Somebody else stands in it too." if row.case_id in shared else ""


def decide(case: Case, chosen: Iterable[str], *, proposer_id: int, actor: Actor, at: datetime) -> None:
    """Keep that the chosen matters are erased, inside the current ledger action on the locked request. Locks each.
    Raises erasing.MayNotErase, locks.CaseBusy."""
    wanted = set(chosen)
    for each in matters(case, at=at):
        if str(each.case.uid) in wanted:
            erasing.decide(each.case.pk, asked_in=case, proposer_id=proposer_id, actor=actor, at=at)


def fates(case: Case) -> list[tuple[str, str]]:
    """Return each other matter of the person and those that were erased for this request, with what becomes of it in
    words. As many queries, however many matters, and some for each that is to be erased and waits."""
    decided = {row.case_id: row for row in Erasure.objects.filter(asked_in=case).select_related("case").order_by("pk")}
    rows = held.rows(case)
    account = [("Their account", "Kept: it is billing's, and so is what the law wants kept of it.")]
    told = account if any(row.account_reference for row in rows) else []
    told += [(each.name, _kept(each)) for each in matters(case) if each.case.pk not in decided]
    return [*told, *((Matter(case=row.case, why_kept="").name, _fate(row)) for row in decided.values())]


def _kept(matter: Matter) -> str:
    return f"Kept. {matter.why_kept}" if matter.why_kept else "Two people can decide to erase it."


def _fate(row: Erasure) -> str:
    if row.erased_at is not None:
        return f"Erased on {calendars.london_date(row.erased_at):%-d %B %Y}."
    if row.ended_at is not None:
        return "Kept: it was opened again before it was erased."
    waits = erasing.why_waits(row.case, at=None)
    return f"To be erased. It waits: {waits[0].lower()}{waits[1:]}" if waits else "To be erased within the hour."
