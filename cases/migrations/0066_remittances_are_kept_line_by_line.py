"""What agencies say they collected is kept line by line, beside what was booked."""

import cases.ledger.recording
import django.db.models.deletion
import simple_history.models
import uuid
from django.conf import settings
from django.db import migrations, models

from cases.ledger.guards import EnableGuards
from cases.migrations import Migration


class Migration(Migration):
    """Adds remittances and their lines."""

    dependencies = [
        ("cases", "0065_rows_that_cannot_be_read_are_left_out"),
    ]

    operations = [
        migrations.CreateModel(
            name="HistoricalRemittance",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, verbose_name="ID")),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("file_uid", models.UUIDField(blank=True, null=True)),
                ("name", models.CharField(blank=True, default="", max_length=200)),
                ("day", models.DateField(blank=True, null=True)),
                ("told_at", models.DateTimeField()),
                ("is_refused", models.BooleanField(default=False)),
                ("outcome", models.CharField(blank=True, default="", max_length=20)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                ("history_date", models.DateTimeField()),
                (
                    "agency",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="cases.agency",
                    ),
                ),
                (
                    "closed_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "event",
                    models.ForeignKey(
                        default=cases.ledger.recording.current_event_uid,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="cases.ledgerevent",
                        to_field="uid",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical remittance",
                "verbose_name_plural": "historical remittances",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="Remittance",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("file_uid", models.UUIDField(blank=True, db_index=True, null=True)),
                ("name", models.CharField(blank=True, default="", max_length=200)),
                ("day", models.DateField(blank=True, null=True)),
                ("told_at", models.DateTimeField(db_index=True)),
                ("is_refused", models.BooleanField(default=False)),
                ("outcome", models.CharField(blank=True, default="", max_length=20)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "agency",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cases.agency"),
                ),
                (
                    "closed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="HistoricalRemittanceLine",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, verbose_name="ID")),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("number", models.PositiveIntegerField()),
                ("callback_uid", models.UUIDField(blank=True, null=True)),
                ("amount_pence", models.BigIntegerField()),
                ("commission_pence", models.BigIntegerField()),
                ("vat_pence", models.BigIntegerField()),
                ("net_pence", models.BigIntegerField()),
                ("due_commission_pence", models.BigIntegerField()),
                ("due_vat_pence", models.BigIntegerField()),
                ("booked_pence", models.BigIntegerField(default=0)),
                ("booked_at", models.DateTimeField(blank=True, null=True)),
                ("why", models.CharField(blank=True, default="", max_length=24)),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                ("history_date", models.DateTimeField()),
                (
                    "case",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="cases.case",
                    ),
                ),
                (
                    "event",
                    models.ForeignKey(
                        default=cases.ledger.recording.current_event_uid,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="cases.ledgerevent",
                        to_field="uid",
                    ),
                ),
                (
                    "remittance",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="cases.remittance",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical remittance line",
                "verbose_name_plural": "historical remittance lines",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="RemittanceLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("number", models.PositiveIntegerField()),
                ("callback_uid", models.UUIDField(blank=True, null=True, unique=True)),
                ("amount_pence", models.BigIntegerField()),
                ("commission_pence", models.BigIntegerField()),
                ("vat_pence", models.BigIntegerField()),
                ("net_pence", models.BigIntegerField()),
                ("due_commission_pence", models.BigIntegerField()),
                ("due_vat_pence", models.BigIntegerField()),
                ("booked_pence", models.BigIntegerField(default=0)),
                ("booked_at", models.DateTimeField(blank=True, null=True)),
                ("why", models.CharField(blank=True, default="", max_length=24)),
                (
                    "case",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="cases.case",
                    ),
                ),
                (
                    "remittance",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="cases.remittance"
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="remittance",
            constraint=models.UniqueConstraint(fields=("agency", "day"), name="one_remittance_by_messages_a_day"),
        ),
        migrations.AddConstraint(
            model_name="remittanceline",
            constraint=models.UniqueConstraint(
                fields=("remittance", "number"), name="one_line_of_a_remittance_per_number"
            ),
        ),
        EnableGuards("remittance"),
        EnableGuards("remittanceline"),
    ]
