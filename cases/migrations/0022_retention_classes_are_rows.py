"""How long each class of records is kept is a row with versions, as clock rules are."""


import cases.ledger.recording
import django.db.models.deletion
import simple_history.models
import uuid
from django.db import migrations, models

from cases.ledger.guards import EnableGuards
from cases.migrations import Migration


class Migration(Migration):

    dependencies = [
        ('cases', '0021_access_is_reviewed_each_month'),
    ]

    operations = [
        migrations.CreateModel(
            name='HistoricalRetentionVersion',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, verbose_name='ID')),
                ('uid', models.UUIDField(default=uuid.uuid4, editable=False)),
                ('code', models.CharField(max_length=40)),
                ('version', models.PositiveSmallIntegerField()),
                ('label', models.CharField(blank=True, max_length=80)),
                ('trigger', models.CharField(max_length=40)),
                ('months', models.PositiveSmallIntegerField()),
                ('days', models.PositiveSmallIntegerField()),
                ('source', models.CharField(max_length=200)),
                ('effective_from', models.DateField()),
                ('is_shipped', models.BooleanField(default=True)),
                ('history_id', models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_date', models.DateTimeField()),
                ('event', models.ForeignKey(default=cases.ledger.recording.current_event_uid, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cases.ledgerevent', to_field='uid')),
            ],
            options={
                'verbose_name': 'historical retention version',
                'verbose_name_plural': 'historical retention versions',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='RetentionVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('code', models.CharField(max_length=40)),
                ('version', models.PositiveSmallIntegerField()),
                ('label', models.CharField(blank=True, max_length=80)),
                ('trigger', models.CharField(max_length=40)),
                ('months', models.PositiveSmallIntegerField()),
                ('days', models.PositiveSmallIntegerField()),
                ('source', models.CharField(max_length=200)),
                ('effective_from', models.DateField()),
                ('is_shipped', models.BooleanField(default=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('code', 'version'), name='one_retention_version_per_code'), models.UniqueConstraint(fields=('code', 'effective_from'), name='one_retention_version_per_day'), models.CheckConstraint(condition=models.Q(('source', ''), _negated=True), name='retention_version_has_a_source')],
            },
        ),
        EnableGuards('retentionversion'),
    ]
