"""Whose a case is and what waits in it is read from two indexes alone."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """One index for the one that Django makes of a foreign key, and one of open tasks that nobody took."""

    dependencies = [
        ('cases', '0110_acts_are_found_by_time_and_by_name'),
    ]

    operations = [
        migrations.AlterField(
            model_name='case',
            name='assignee',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='assigned_cases', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='case',
            index=models.Index(fields=['assignee', 'id'], include=('kind', 'team', 'is_restricted'), name='case_whose'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(condition=models.Q(('assignee', None), ('closed_at', None)), fields=['case'], include=('kind',), name='task_of_case'),
        ),
    ]
