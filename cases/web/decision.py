"""The decision panel: what was asked and by whom, every move that is open, and why the others are not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cases.kernel import casetypes, roles
from cases.kernel.actors import Actor
from cases.kernel.lifecycle import Transition
from cases.kernel.models import Case
from cases.kernel.queries import CaseFile
from cases.kernel.timeline import Entry
from cases.kernel.transitions import Offer

__all__ = ["bind", "panel"]


def bind(offer_form: Any, name: str, case: Case, data: Any = None) -> Any:
    """Return a move's own form with ids of its own, empty or bound to what was posted."""
    return offer_form(data, case=case, auto_id=f"{name}_%s")


def _asked(file: CaseFile, entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Return the open approvals with who asked, in whose roles the answer lies, and the maker's reason."""
    lifecycle = casetypes.get(file.case.kind).lifecycle
    opening = {move.opens: move for move in lifecycle.transitions if move.opens}
    found = []
    for approval in file.approvals:
        move = opening.get(approval["act"])
        verb = f"{file.case.kind}.{move.name}" if move else ""
        entry = next((each for each in entries if each.verb == verb), None)
        needs = [roles.ROLES[code].label if code in roles.ROLES else code for code in approval["needs"]]
        found.append(
            {**approval, "needs": needs, "label": move.label if move else "", "reason": entry.reason if entry else ""}
        )
    return found


def _move(offer: Offer, file: CaseFile, typed: Any) -> dict[str, Any]:
    move: Transition = offer.transition
    is_typed = typed.step == move.name
    form = typed.form if is_typed else None
    if form is None and offer.form is not None:
        form = bind(offer.form, move.name, file.case)
    return {
        "move": move,
        "form": form,
        "reason": typed.reason if is_typed else "",
        "is_open": is_typed,
        "is_grave": offer.is_grave,
        "button": {"primary": "primary", "danger": "danger-fill"}.get(move.tone, ""),
    }


def _weight(offer: Offer) -> int:
    """The move that carries the case on comes first."""
    return 0 if offer.transition.tone == "primary" else 1


def panel(
    file: CaseFile, offers: Sequence[Offer], entries: Sequence[Entry], *, actor: Actor, typed: Any
) -> dict[str, Any]:
    """Return the panel: open moves with their forms, refused ones with their sentences, and what was asked."""
    asked = _asked(file, entries)
    can_decide = any(offer.is_open and offer.transition.decides for offer in offers)
    return {
        "moves": [_move(offer, file, typed) for offer in sorted(offers, key=_weight) if offer.is_open],
        "refused": [offer for offer in offers if not offer.is_open],
        "asked": asked,
        "is_mine": bool(asked) and can_decide,
        "i_asked": any(each["maker_id"] == actor.user_id for each in asked),
    }
