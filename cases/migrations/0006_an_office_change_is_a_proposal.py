"""A change of the office itself is a row of its own, under maker and checker."""

import cases.ledger.recording
import cases.ledger.sealed
import django.db.models.deletion
import simple_history.models
import uuid
from django.conf import settings
from django.db import migrations, models

from cases.ledger.guards import EnableGuards
from cases.migrations import Migration


class Migration(Migration):

    dependencies = [
        ('cases', '0005_releases_name_their_people'),
    ]

    operations = [
        migrations.CreateModel(
            name='HistoricalProposal',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, verbose_name='ID')),
                ('uid', models.UUIDField(default=uuid.uuid4, editable=False)),
                ('kind', models.CharField(max_length=40)),
                ('subject', models.CharField(max_length=120)),
                ('payload', models.JSONField(default=dict)),
                ('before', models.JSONField(default=dict)),
                ('digest', models.CharField(max_length=64)),
                ('needs', models.JSONField(default=list)),
                ('made_at', models.DateTimeField()),
                ('state', models.CharField(default='open', max_length=12)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('sealed', cases.ledger.sealed.SealedTextField(null=True)),
                ('history_id', models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_date', models.DateTimeField()),
                ('about', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('checker', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('event', models.ForeignKey(default=cases.ledger.recording.current_event_uid, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cases.ledgerevent', to_field='uid')),
                ('key', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='cases.datakey')),
                ('maker', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'historical proposal',
                'verbose_name_plural': 'historical proposals',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='Proposal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('kind', models.CharField(max_length=40)),
                ('subject', models.CharField(max_length=120)),
                ('payload', models.JSONField(default=dict)),
                ('before', models.JSONField(default=dict)),
                ('digest', models.CharField(max_length=64)),
                ('needs', models.JSONField(default=list)),
                ('made_at', models.DateTimeField()),
                ('state', models.CharField(default='open', max_length=12)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('sealed', cases.ledger.sealed.SealedTextField(null=True)),
                ('about', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('checker', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('key', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cases.datakey')),
                ('maker', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(models.F('id'), condition=models.Q(('state', 'open')), name='proposal_open'), models.Index(models.F('maker'), models.F('id'), name='proposal_maker'), models.Index(models.F('about'), models.F('id'), name='proposal_about')],
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['open', 'agreed', 'refused', 'withdrawn', 'superseded'])), name='proposal_state'), models.CheckConstraint(condition=models.Q(('checker', None), models.Q(('checker', models.F('maker')), _negated=True), _connector='OR'), name='proposal_checker_is_not_maker'), models.CheckConstraint(condition=models.Q(('checker', None), ('about', None), models.Q(('checker', models.F('about')), _negated=True), _connector='OR'), name='nobody_decides_about_themselves'), models.CheckConstraint(condition=models.Q(models.Q(('ended_at', None), ('state', 'open')), models.Q(models.Q(('state', 'open'), _negated=True), ('ended_at__isnull', False)), _connector='OR'), name='proposal_ended_when_decided'), models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['agreed', 'refused']), _negated=True), ('checker__isnull', False), ('needs', []), _connector='OR'), name='proposal_decided_by_somebody'), models.UniqueConstraint(condition=models.Q(('state', 'open')), fields=('kind', 'subject'), name='one_open_proposal_per_subject')],
            },
        ),
        EnableGuards('proposal'),
    ]
