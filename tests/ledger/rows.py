"""Rows of any tracked model, made from its fields alone, so that a new model joins every test by itself."""

from datetime import UTC, date, datetime, timedelta
from itertools import count
from uuid import UUID

from django.db import models

from cases.ledger.models import DataKey
from cases.ledger.sealing import SealedTextField, new_key, seal

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
STREAM = UUID("5f3c4a8e-4b1d-4a53-9f0e-2a7b1c9d0e11")
OTHER_STREAM = UUID("0d6f5b8e-93a1-4f27-8c44-7e1f2a3b4c55")
ACTOR = "staff:7"

numbers = count(1)

# Values a check constraint asks for; a callable gets the row, whose foreign keys are set by then.
CHOSEN = {
    "Account.jurisdiction": "eaw",
    "BreakGlass.outcome": "",
    "Channel.direction": "in",
    "CompartmentGrant.ends_at": AT + timedelta(days=400),
    "ApprovalDecision.verdict": "agreed",
    "DisclosureError.kind": "",
    "DisclosureStatistics.quarter": lambda _row: f"{next(numbers) % 10000:04}-q1",
    "AccessAnswer.verdict": "kept",
    "AccessReview.month": lambda _row: date(2026, 1, 1) + timedelta(days=next(numbers)),
    "ClockRuleVersion.unit": "days",
    "HolidayChange.jurisdiction": lambda _row: str(next(numbers))[-3:],
    "HolidayChange.effect": "added",
    "PolicyDocument.kind": "lia",
    "PolicyDocument.review_by": date(2027, 3, 2),
    "ApprovalDecision.maker_id": lambda row: row.approval.maker_id,
    "PillarAnswer.pillar": 1,
    "PillarAnswer.side": "maker",
    "DerivedFlag.kind": "warning",
    "OnCallRoute.method": "e_mail",
    "Association.has_agreement": True,
    "CheckDecision.automated_level": "assisted",
    "LinkStatement.party_role": "declarer",
    "PartnerKey.kind": "openpgp",
    "TraceHop.direction": "in",
    "DebtFigure.code": "vat_standard",
    "DebtFigure.value": 2000,
    "DebtFigure.effective_from": lambda _row: date(2026, 1, 1) + timedelta(days=next(numbers)),
    "SaleTape.kind": "bid",
    "SaleClaim.outcome": "",
    "DebtSaleAccount.state": "in_pool",
}


def _scalar(field):
    number = next(numbers)
    values = (
        (models.BooleanField, False),
        ((models.IntegerField, models.DecimalField), number),
        (models.DateTimeField, AT),
        (models.DateField, date(2026, 3, 2)),
        (models.UUIDField, UUID(int=number)),
        (models.BinaryField, number.to_bytes(32, "big")),
        ((models.CharField, models.TextField), f"code-{number}"),
    )
    value = next(value for kind, value in values if isinstance(field, kind))
    return value[: field.max_length] if isinstance(value, str) else value


def _given(row, field):
    chosen = CHOSEN.get(f"{type(row).__name__}.{field.attname}")
    if chosen is not None:
        return chosen(row) if callable(chosen) else chosen
    if isinstance(field, models.ForeignKey):
        if field.related_model is DataKey:
            return new_key("case", at=AT).pk
        return saved(field.related_model).pk
    return _scalar(field)


def _is_needed(field):
    if isinstance(field, (SealedTextField, models.GeneratedField)):
        return False
    if field.primary_key and not field.remote_field:
        return False
    if field.name == "key":  # what is sealed needs its key, also where a row may do without
        return True
    return not (field.null or field.has_default())


def fresh(model, **values):
    """Return an unsaved row whose required columns are set; the rows it needs are saved, inside the open action."""
    row = model(**values)
    given = set(values) | {f"{name}_id" for name in values}
    needed = [field for field in model._meta.concrete_fields if _is_needed(field) and field.attname not in given]
    for field in sorted(needed, key=lambda field: f"{model.__name__}.{field.attname}" in CHOSEN):
        setattr(row, field.attname, _given(row, field))
    sealed = [field.name for field in model._meta.concrete_fields if isinstance(field, SealedTextField)]
    if sealed:
        seal(row, dict.fromkeys(sealed, f"secret {next(numbers)}"), key=row.key)
    return row


def saved(model, **values):
    """Return a saved row."""
    row = fresh(model, **values)
    row.save(force_insert=True)
    return row


def changeable(row):
    """Return the name of a plain column that can be changed freely, and another value for it."""
    for field in row._meta.concrete_fields:
        is_plain = type(field) in (models.CharField, models.DateTimeField, models.BooleanField, models.BinaryField)
        if is_plain and f"{type(row).__name__}.{field.attname}" not in CHOSEN and field.name not in STATE_COLUMNS:
            return field.name, _other(field, getattr(row, field.attname))
    return _plain_number(row)


STATE_COLUMNS = ("state", "mode", "direction", "ended_at", "closed_at", "revoked_at", "outcome", "is_closed")


def _other(field, value):
    if isinstance(field, models.BooleanField):
        return not value
    if isinstance(field, models.DateTimeField):
        return datetime(2026, 4, 1, tzinfo=UTC)
    if isinstance(field, models.BinaryField):
        return b"other"
    return ("y" if str(value).startswith("x") else "x") + str(value)[1:]


def _plain_number(row):
    """Fall back to a link: another row of the model it points to."""
    links = (field for field in row._meta.concrete_fields if isinstance(field, models.ForeignKey))
    field = next(field for field in links if not field.primary_key and field.name != "key")
    return field.attname, saved(field.related_model).pk
