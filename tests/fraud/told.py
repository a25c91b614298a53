"""What an agency tells of a case, applied as if it had called and been matched."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

from django.db import transaction

from cases.kernel import actors, casetypes, locks
from cases.kernel.casetypes import Content
from cases.kernel.models import Agency, Case, OutboxMessage
from tests import factories

FPA = "sandbox-fraud-register"
ALERT = "sandbox-retail-alert"


def hear_of(
    case: Case,
    kind: str,
    *,
    agency: str = FPA,
    message: OutboxMessage | None = None,
    at: datetime = factories.FILED_AT,
    **data: Any,
) -> None:
    """Let the family act on a callback of this type about a case."""
    row = Agency.objects.get(code=agency)
    content = Content(
        type=kind,
        agency_code=row.code,
        agency_kind=row.kind,
        agency_reference="",
        agency_sequence=None,
        occurred_at=at,
        data=data,
        message=message,
        callback_uid=uuid4(),
    )
    with transaction.atomic():
        act = casetypes.get(case.kind).callbacks[kind]
        act(locks.case_for_update(case.pk), content, actor=actors.agency(row), at=at)
