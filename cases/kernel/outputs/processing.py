"""The record of processing, generated from the notice: what is given to whom, why, on which ground, kept how long.

UK GDPR Art 30. One line for each clause; the register of agencies says where data goes, never for a restricted kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date

from cases.kernel import casetypes, notice, retention
from cases.kernel.countries import name_of
from cases.kernel.exchange import agreements
from cases.kernel.models import Agency, PolicyDocument
from cases.kernel.office import policydocs

__all__ = ["SECURITY", "Line", "headings", "record", "rows", "table"]

HOME = "GB"
# With what a cell begins that a spreadsheet runs, in narrow and in wide letters.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0", "\uff1d", "\uff0b", "\uff0d", "\uff20")
SECURITY = (
    "Personal data is sealed in the database under keys of its case, which are kept outside it; "
    "each reading is on record with its purpose; sight goes by role and team; grave acts ask for the second factor and "
    "harmful ones for a second person; messages go over TLS, signed; every act is in a chained ledger."
)
NOBODY = "Nobody: nothing of a case is used for it"
SUBJECTS = {
    "prevent_fraud": "Suspected fraudsters, victims and others named in a referral",
    "report_suspicion": "People named in a suspicion",
    "answer_authorities": "Those who ask on behalf of a public authority",
    "report_breach": "People whose data went astray, as numbers alone",
    "protect_life": "People who called the emergency services",
    "report_crime": "Suspected fraudsters and others named in a report to the police",
    "correct_recipients": "People about whom a recipient was told before",
    "link_records": "Two people who are linked by money",
    "report_accounts": "Customers, by their accounts",
    "recover_debts": "Customers whose unpaid account is handed to a recovery agency",
    "sell_debts": "Customers whose unpaid account is sold to another firm",
    "check_with_partners": "Subscribers about whom a bank or another provider asks",
    "check_applicants": "Applicants and customers who are checked, and people financially linked with them",
    "warn_partners": "People whose numbers a confirmed fraud used, as numbers alone",
    "trace_calls": "Callers and those who were called, by their numbers",
    "honour_choices": "People who allowed or stopped something",
    "honour_moratorium": "Customers in a moratorium on their debts",
    "inform_person": "Victims and others to whom we write",
}


@dataclass(frozen=True, kw_only=True)
class Line:
    """One processing activity as Art 30 asks for it, in words."""

    activity: str
    purpose: str
    subjects: str
    categories: str
    recipients: str
    transfers: str
    ground: str
    documents: str
    retention: str
    security: str
    sentences: str


HEADINGS = {
    "activity": "Activity",
    "purpose": "Purpose",
    "subjects": "People concerned",
    "categories": "Categories of data",
    "recipients": "Categories of recipients",
    "transfers": "Transfers and safeguards",
    "ground": "Legal ground",
    "documents": "Documents",
    "retention": "Kept",
    "security": "Security",
    "sentences": "Sentences of the notice",
}


def headings() -> list[str]:
    return [HEADINGS[field.name] for field in fields(Line)]


def rows(lines: list[Line]) -> list[list[str]]:
    return [list(asdict(line).values()) for line in lines]


def table(lines: list[Line]) -> list[list[str]]:
    """Return headings and rows for other programs: no cell is one that a spreadsheet takes for a formula."""
    cells = [headings(), *rows(lines)]
    return [[f"'{text}" if text.startswith(FORMULA) else text for text in row] for row in cells]


def record(*, day: date, hidden_kinds: frozenset[str] = frozenset()) -> list[Line]:
    """Return the record as it stands on a day, one line a clause, then one for each purpose of the notice for which
    nothing of a case is used. Three queries, and those of kinds of case
    that let data go abroad.

    Of kinds of agency that only restricted matters use (`hidden_kinds`) no single agency is told.
    """
    papers = policydocs.in_force(notice.DOCUMENTS, day=day)
    abroad, kept = _abroad(hidden_kinds), retention.schedule(on=day)
    given = [_line(clause, papers, abroad, kept, day) for clause in notice.CLAUSES.values()]
    return [*given, *map(_unused, notice.UNUSED.values())]


def _unused(purpose: notice.Unused) -> Line:
    """Return the line of what nothing of a case is used for: what is said of it is that there is nothing."""
    return Line(
        activity=purpose.code.replace("_", " ").capitalize(),
        purpose=purpose.label,
        subjects=NOBODY,
        categories="None",
        recipients="None",
        transfers="None",
        ground="None needed",
        documents="None needed",
        retention="Nothing is kept for it",
        security=SECURITY,
        sentences=", ".join(purpose.sentences),
    )


def _abroad(hidden_kinds: frozenset[str]) -> dict[str, list[str]]:
    """Return the transfers by kind of recipient: which agency that is established abroad, and which transfer that a
    kind's cases let through; where, under which safeguard."""
    found: dict[str, list[str]] = {}
    shown = Agency.objects.filter(is_active=True).exclude(country=HOME).exclude(kind__in=hidden_kinds)
    for agency in shown.select_related("terms").order_by("display_name"):
        terms = getattr(agency, "terms", None)
        safeguard = agreements.SAFEGUARDS.get(terms.safeguard if terms else "")
        words = f"{safeguard.label} ({safeguard.source})" if safeguard else "no safeguard, so nothing is sent"
        found.setdefault(agency.kind, []).append(f"{agency.display_name}, {name_of(agency.country)}: {words}")
    for casetype in casetypes.all_types():
        for kind, words in casetype.abroad(hidden_kinds) if casetype.abroad else ():
            if words not in found.setdefault(kind, []):
                found[kind].append(words)
    return found


def _line(
    clause: notice.Clause,
    papers: Mapping[str, PolicyDocument],
    abroad: Mapping[str, list[str]],
    kept: Mapping[str, retention.RetentionClass],
    day: date,
) -> Line:
    grounds = notice.grounds(clause.code, clause.gateway)
    transfers = [each for kind in sorted(clause.recipients) for each in abroad.get(kind, ())]
    release, body = kept["release"], kept["message_body"]
    return Line(
        activity=clause.code.replace("_", " ").capitalize(),
        purpose=notice.PURPOSES[clause.purpose],
        subjects=SUBJECTS[clause.purpose],
        categories="; ".join(notice.CATEGORIES[code].label for code in sorted(clause.categories)),
        recipients="; ".join(notice.RECIPIENTS[code] for code in sorted(clause.recipients)),
        transfers="; ".join(transfers) or "None outside the United Kingdom",
        ground="; ".join(f"{each.label} ({each.source})" for each in grounds),
        documents="; ".join(_paper(code, papers.get(code), day) for code in sorted(clause.documents)) or "None needed",
        retention=f"Message {body.period} from when it is {body.trigger}; entry in the register {release.period} from "
        f"when {release.trigger}",
        security=SECURITY,
        sentences=", ".join(clause.sentences),
    )


def _paper(code: str, row: PolicyDocument | None, day: date) -> str:
    label = notice.DOCUMENTS[code].label
    if row is None:
        return f"{label}: missing"
    late = " (past)" if row.review_by < day else ""
    return f"{label}, version {row.version}, review by {row.review_by:%-d %B %Y}{late}"
