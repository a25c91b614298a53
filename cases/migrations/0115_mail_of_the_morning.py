"""Who is told by mail, on which mornings, how much waits."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """Nobody to begin with."""

    dependencies = [
        ('cases', '0114_flags_of_cases_are_found_by_their_kind'),
    ]

    operations = [
        migrations.CreateModel(
            name='Digest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('days', models.CharField(max_length=12)),
                ('address', models.EmailField(max_length=120)),
                ('chosen_at', models.DateTimeField()),
                ('mail_date', models.DateField(blank=True, null=True)),
                ('state', models.CharField(default='none', max_length=8)),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('due_at', models.DateTimeField(blank=True, null=True)),
                ('error', models.CharField(blank=True, max_length=80)),
                ('owner', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='digest', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('days__in', ['working_days', 'weekly'])), name='digest_days'), models.CheckConstraint(condition=models.Q(('state__in', ['none', 'sending', 'pending', 'sent', 'nothing', 'failed'])), name='digest_state')],
            },
        ),
    ]
