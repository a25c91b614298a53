"""Passing a matter on to a compartment. Whoever does it learns that it was received, and never sees it again.

Nothing is written to the case it came from, not even that it was looked at for this.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from cases.kernel import casetypes, intake
from cases.kernel.actors import Actor
from cases.kernel.casetypes import CaseType
from cases.kernel.errors import NotVisible
from cases.kernel.models import Case
from cases.kernel.restricted import quietholds
from cases.ledger import api as ledger

__all__ = ["kind", "refer"]


def kind(code: str) -> CaseType:
    """Return a kind that takes referrals. Raises NotVisible for any other."""
    found = next((each for each in casetypes.all_types() if each.code == code and each.referral), None)
    if found is None:
        raise NotVisible
    return found


def refer(
    code: str,
    facts: Mapping[str, Any],
    *,
    about: Case | None,
    actor: Actor,
    at: datetime,
    request: ledger.RequestInfo | None = None,
) -> None:
    """Open a case of a kind that takes referrals, in one transaction; `about` is named there by token and sealed word.

    A referral of the same `once` is the one that was received before. Returns nothing, since the sender may know
    nothing of it. Raises NotAllowed, IntakeRefused, NotVisible.
    """
    referral = kind(code).referral
    if referral is None or referral.is_known(facts["once"]):
        return
    came_from: dict[str, Any] = {}
    if about:
        came_from = {"about_reference": about.reference, "about_token": quietholds.case_token(about.uid)}
        came_from["is_from_secrecy"] = about.is_restricted
    try:
        with transaction.atomic():
            intake.open_case(code, actor=actor, at=at, facts={**facts, **came_from}, request=request)
    except IntegrityError:  # the same form at the same time: the other one counts
        if not referral.is_known(facts["once"]):
            raise
