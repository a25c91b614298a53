"""What two people decide to erase of a kind when its time is over is a row of its own; a case says that it is erased."""

import cases.ledger.recording
import django.db.models.deletion
import simple_history.models
import uuid
from django.conf import settings
from django.db import migrations, models

from cases.ledger.guards import EnableGuards
from cases.migrations import Migration


class Migration(Migration):
    """Decisions to erase what is over, with their history."""

    dependencies = [
        ('cases', '0077_cases_are_erased_before_their_time'),
    ]

    operations = [
        migrations.CreateModel(
            name='Disposal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('kind', models.CharField(max_length=40)),
                ('last_date', models.DateField()),
                ('counted', models.PositiveIntegerField()),
                ('proposed_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('proposed_at', models.DateTimeField()),
                ('state', models.CharField(default='open', max_length=12)),
                ('why_not', models.CharField(blank=True, max_length=40)),
                ('decided_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
                ('job', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cases.job')),
            ],
        ),
        migrations.CreateModel(
            name='HistoricalDisposal',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, verbose_name='ID')),
                ('uid', models.UUIDField(default=uuid.uuid4, editable=False)),
                ('kind', models.CharField(max_length=40)),
                ('last_date', models.DateField()),
                ('counted', models.PositiveIntegerField()),
                ('proposed_by', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('proposed_at', models.DateTimeField()),
                ('state', models.CharField(default='open', max_length=12)),
                ('why_not', models.CharField(blank=True, max_length=40)),
                ('decided_by', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
                ('job', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='cases.job')),
                ('history_id', models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_date', models.DateTimeField()),
                ('event', models.ForeignKey(default=cases.ledger.recording.current_event_uid, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cases.ledgerevent', to_field='uid')),
            ],
            options={
                'verbose_name': 'historical disposal',
                'verbose_name_plural': 'historical disposals',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.AddField(
            model_name='case',
            name='is_erased',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='historicalcase',
            name='is_erased',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddIndex(
            model_name='case',
            index=models.Index(models.F('kind'), models.F('dispose_after_date'), models.F('id'), condition=models.Q(('is_closed', True), ('is_erased', False)), name='case_kept_until'),
        ),
        migrations.AddIndex(
            model_name='disposal',
            index=models.Index(fields=['kind', '-id'], name='disposal_of_kind'),
        ),
        migrations.AddConstraint(
            model_name='disposal',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['open', 'agreed', 'refused', 'withdrawn'])), name='disposal_state'),
        ),
        migrations.AddConstraint(
            model_name='disposal',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'open')), fields=('kind',), name='one_open_disposal_of_a_kind'),
        ),
        migrations.AddConstraint(
            model_name='disposal',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['agreed', 'refused']), _negated=True), models.Q(('decided_by', models.F('proposed_by')), _negated=True), _connector='OR'), name='two_people_decide_on_a_disposal'),
        ),
        migrations.AddConstraint(
            model_name='disposal',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_at', None), ('decided_by', None), ('state', 'open')), models.Q(models.Q(('state', 'open'), _negated=True), ('decided_at__isnull', False), ('decided_by__isnull', False)), _connector='OR'), name='disposal_is_open_or_decided'),
        ),
        migrations.AddConstraint(
            model_name='disposal',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('job__isnull', False), ('state', 'agreed')), models.Q(models.Q(('state', 'agreed'), _negated=True), ('job', None)), _connector='OR'), name='what_is_agreed_is_done'),
        ),
        EnableGuards("disposal"),
    ]
