"""A row written from odd but lawful values has the digest that the row read back has."""

from datetime import datetime, timedelta, timezone
from enum import StrEnum
from uuid import UUID

import pytest
from django.db import models
from django.db.migrations.loader import MigrationLoader

from cases.fraud.models import FraudReferral
from cases.kernel.models import Case, Task
from cases.ledger import api as ledger
from cases.ledger.canonical import canon, commitment
from cases.ledger.guards import tracked_models
from cases.ledger.models import LedgerEvent
from cases.ledger.rows import row_digest, row_values
from tests.ledger.rows import ACTOR, AT, STREAM, fresh, saved


class Kind(StrEnum):
    """A code as an enumeration member."""

    CHASE = "chase"


ODD = [
    (FraudReferral, {"discovered_date": "2026-03-02"}, {"discovered_date": "2026-03-02"}),
    (FraudReferral, {"loss_pence": "700"}, {"loss_pence": 700}),
    (FraudReferral, {"reasons": ("a", {"b": (1, 2)})}, {"reasons": ["a", {"b": [1, 2]}]}),
    (FraudReferral, {"incident_token": memoryview(b"abc")}, {}),
    (Case, {"is_restricted": 0}, {"is_restricted": False}),
    (
        Case,
        {"opened_at": datetime(2026, 3, 2, 12, 30, 0, 5, tzinfo=timezone(timedelta(hours=3)))},
        {"opened_at": "2026-03-02T09:30:00.000005Z"},
    ),
    (Case, {"uid": "6f1c2d3e-4b5a-4c6d-8e7f-0a1b2c3d4e5f"}, {"uid": str(UUID("6f1c2d3e-4b5a-4c6d-8e7f-0a1b2c3d4e5f"))}),
    (Task, {"kind": Kind.CHASE}, {"kind": "chase"}),
]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("model", "given", "read"),
    ODD,
    ids=lambda value: value.__name__ if isinstance(value, type) else next(iter(value), ""),
)
def test_digest_of_the_row_written_is_that_of_the_row_read(model, given, read):
    with ledger.action(STREAM, "row.made", actor=ACTOR, at=AT):
        row = fresh(model)
        for name, value in given.items():
            setattr(row, name, value)
        row.save(force_insert=True)

    found = model.history.get(uid=row.uid)
    (entry,) = [
        change for change in LedgerEvent.objects.get().content()["changes"] if change["m"] == model._meta.label_lower
    ]
    assert entry["row"] == row_digest(found)
    assert {name: row_values(found)[name] for name in read} == read


@pytest.mark.django_db
@pytest.mark.parametrize("model", tracked_models(), ids=lambda model: model.__name__)
def test_history_has_every_column_of_its_model_and_four_more(model):
    live = {field.attname for field in model._meta.concrete_fields}
    history = {field.attname for field in model.history_model._meta.concrete_fields}

    assert history - live == {"history_id", "history_date", "history_type", "event_id"}
    assert live - history == {model._meta.get_field(name).attname for name in model.untracked}
    assert isinstance(model.history_model._meta.pk, models.BigAutoField)


@pytest.mark.django_db
def test_column_added_later_leaves_old_digests_and_is_not_changed_unseen(monkeypatch):
    with ledger.action(STREAM, "row.made", actor=ACTOR, at=AT):
        row = fresh(Case, source="")
        row.save(force_insert=True)
        row.source = "import"
        row.save()
    old, new = Case.history.order_by("history_id")
    without = {name: value for name, value in row_values(old).items() if name != "source"}

    monkeypatch.setattr(Case, "later", {"source": ""})

    assert row_digest(old) == commitment(canon(without))
    changed = row_digest(new)
    new.source = ""
    assert changed not in (row_digest(new), row_digest(old))


def test_every_column_added_after_the_first_release_is_named_as_later():
    released = MigrationLoader(None, replace_migrations=False).project_state(("cases", "0002_ledger_sql")).models
    added = {}
    for model in tracked_models():
        first = released.get(("cases", model._meta.model_name))
        columns = (
            [] if first is None else [field for field in model._meta.concrete_fields if field.name not in first.fields]
        )
        added[model] = {field.attname: field.get_default() for field in columns if field.name not in model.untracked}

    assert {model.__name__: dict(model.later) for model in added} == {
        model.__name__: columns for model, columns in added.items()
    }


@pytest.mark.django_db
@pytest.mark.parametrize("model", tracked_models(), ids=lambda model: model.__name__)
def test_old_values_of_a_list_changed_in_place_are_known(model):
    lists = [field.name for field in model._meta.concrete_fields if isinstance(field, models.JSONField)]
    with ledger.action(STREAM, "row.made", actor=ACTOR, at=AT):
        row = saved(model)
    row = model._default_manager.get(pk=row.pk)

    with ledger.action(STREAM, "row.changed", actor=ACTOR, at=AT):
        for name in lists:
            value = getattr(row, name)
            value.append("new") if isinstance(value, list) else value.update(new=1)
        row.save()

    (change,) = LedgerEvent.objects.get(seq=2).content()["changes"]
    assert set(change.get("f", {})) == set(lists)
