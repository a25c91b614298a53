"""Figures for others, as a change of the office: one person proposes to whom they go and what for, another agrees.

What leaves is the profile EXTERNAL_ANON: the tables that say nothing of how the office works. Whoever decides reads
every count of them as it would leave, beside the digest. The notice, R34.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from cases.kernel.actors import Actor
from cases.kernel.forms.plainforms import Chosen
from cases.kernel.models import Figures, FiguresRelease
from cases.kernel.office.changeforms import ChangeForm
from cases.kernel.office.codelists import CodeField
from cases.kernel.office.kinds import Change, Kind, Line, Payload
from cases.kernel.timing import quarters
from cases.ledger import api as ledger
from cases.reports.figures import files, tables
from cases.reports.figures.recipients import RECIPIENTS, USES, recipient, use

__all__ = ["KINDS", "MAKERS"]

MAKERS = frozenset(
    {"fraud_approver", "collections_manager", "sale_manager", "credit_data_approver", "data_protection_officer"}
)
CHECKERS = frozenset({"data_protection_officer"})


def _label(code: str) -> str:
    quarter = quarters.of_code(code)
    return quarter.label if quarter else code


def _made() -> list[tuple[str, str]]:
    rows = Figures.objects.filter(made_at__isnull=False).order_by("-quarter").values_list("quarter", flat=True)
    return [(code, _label(code)) for code in rows]


class ReleaseForm(ChangeForm):
    """Which figures go to whom, and what for."""

    hints = ("Only tables of sums go: no person, no case, no count below ten. The data protection officer decides.",)
    quarter = Chosen(label="Figures of", choices=_made)
    recipient = CodeField(
        label="Organisation",
        codes=RECIPIENTS,
        help_text="One that is missing is added to the list of organisations first, as a change of its own.",
    )
    use = CodeField(label="What they are used for", codes=USES, help_text="It goes with them.")


def _figures(payload: Payload) -> Figures | None:
    return Figures.objects.filter(quarter=payload["quarter"], made_at__isnull=False).first()


def _digest(figures: Figures) -> str:
    return hashlib.sha256(files.table(figures, tables.EXTERNAL_ANON)).hexdigest()


def _check(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    figures = _figures(payload)
    if figures is None:
        return {"quarter": "There are no figures of this quarter."}
    if not any(True for _ in tables.lines(figures.tables, tables.EXTERNAL_ANON)):
        return {"quarter": "These figures are too few to be given to anybody."}
    lists = {
        "recipient": (RECIPIENTS, "Choose an organisation of the list."),
        "use": (USES, "Choose what they are for."),
    }
    return {name: said for name, (codes, said) in lists.items() if payload[name] not in dict(codes.choices())}


def _state(payload: Payload) -> dict[str, Any]:
    figures = _figures(payload)
    given = FiguresRelease.objects.filter(figures=figures, recipient=payload["recipient"]).count() if figures else 0
    return {"sha256": _digest(figures) if figures else "", "given": given}


def _describe(before: Payload, payload: Payload) -> list[Line]:
    given = int(before.get("given", 0))
    return [
        Line(label="Figures", new=_label(payload["quarter"])),
        Line(label="What leaves", new=f"{tables.PROFILES[tables.EXTERNAL_ANON]} ({tables.EXTERNAL_ANON})"),
        Line(label="To", new=recipient(payload["recipient"])),
        Line(label="To be used for", new=use(payload["use"])),
        Line(label="Releases of these figures to them", old=str(given), new=str(given + 1)),
        *_leaving(payload, str(before.get("sha256", ""))),
        Line(label="SHA-256 of the table", new=str(before.get("sha256", ""))),
    ]


def _leaving(payload: Payload, sha256: str) -> list[Line]:
    """Return each table as it would leave, a line of text for each of the file: of the bytes of this digest alone."""
    figures = _figures(payload)
    if figures is None or _digest(figures) != sha256:
        return [Line(label="Tables", new="They are no longer those that were proposed: nothing leaves.")]
    found: dict[str, list[str]] = {}
    for kind, table, counted, count in tables.lines(figures.tables, tables.EXTERNAL_ANON):
        found.setdefault(f"{kind}: {table}", []).append(f"{counted}: {count}")
    return [Line(label=label, new="\n".join(counts)) for label, counts in found.items()]


def _release(change: Change) -> None:
    """Enter the release of what was looked at, inside the open act; a task makes its files."""
    said, proposal = change.payload, change.proposal
    figures = Figures.objects.get(quarter=said["quarter"])
    with ledger.action(
        figures.uid,
        "figures.released",
        actor=change.actor.label,
        at=change.at,
        request=change.request,
        detail={"recipient": said["recipient"], "profile": tables.EXTERNAL_ANON, "sha256": _digest(figures)},
        source=change.actor.source,
    ):
        FiguresRelease.objects.create(
            figures=figures,
            profile=tables.EXTERNAL_ANON,
            recipient=said["recipient"],
            use=said["use"],
            proposal=proposal,
            maker_id=proposal.maker_id,
            approver_id=change.actor.user_id or 0,  # nobody: refused by the database
            released_at=change.at,
            sha256=_digest(figures),
        )


KINDS = (
    Kind(
        code="figures_release",
        label="Give anonymous figures to others",
        makers=MAKERS,
        checkers=CHECKERS,
        subject=lambda payload: f"figures/{payload['quarter']}/{payload['recipient']}"[:120],
        state=_state,
        check=_check,
        describe=_describe,
        apply=_release,
        title=lambda row: f"Figures of {_label(row.payload['quarter'])} for {recipient(row.payload['recipient'])}"[
            :120
        ],
        form=ReleaseForm,
    ),
)
