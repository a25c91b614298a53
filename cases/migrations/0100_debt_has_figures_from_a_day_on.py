"""Rates of VAT and what an agency settles for by itself are rows with a day, entered by two people."""

import cases.ledger.recording
import django.db.models.deletion
import simple_history.models
import uuid
from django.db import migrations, models

from cases.ledger.guards import EnableGuards
from cases.migrations import Migration


class Migration(Migration):
    """Numbers of debt recovery, with their history."""

    dependencies = [
        ('cases', '0099_a_number_may_leave_the_network'),
    ]

    operations = [
        migrations.CreateModel(
            name='HistoricalDebtFigure',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, verbose_name='ID')),
                ('uid', models.UUIDField(default=uuid.uuid4, editable=False)),
                ('code', models.CharField(max_length=24)),
                ('value', models.PositiveIntegerField()),
                ('effective_from', models.DateField()),
                ('source', models.CharField(max_length=200)),
                ('history_id', models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_date', models.DateTimeField()),
                ('agency', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='cases.agency')),
                ('event', models.ForeignKey(default=cases.ledger.recording.current_event_uid, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cases.ledgerevent', to_field='uid')),
            ],
            options={
                'verbose_name': 'historical debt figure',
                'verbose_name_plural': 'historical debt figures',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='DebtFigure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('code', models.CharField(max_length=24)),
                ('value', models.PositiveIntegerField()),
                ('effective_from', models.DateField()),
                ('source', models.CharField(max_length=200)),
                ('agency', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cases.agency')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('code', 'agency', 'effective_from'), name='one_debt_figure_per_day', nulls_distinct=False), models.CheckConstraint(condition=models.Q(models.Q(('agency', None), ('code', 'vat_standard'), ('value__lte', 5000)), models.Q(('agency__isnull', False), ('code', 'settlement_authority'), ('value__lte', 100)), _connector='OR'), name='debt_figure_is_of_its_kind'), models.CheckConstraint(condition=models.Q(('source', ''), _negated=True), name='debt_figure_has_a_source')],
            },
        ),
        EnableGuards("debtfigure"),
    ]
