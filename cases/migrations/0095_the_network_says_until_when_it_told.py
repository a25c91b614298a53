"""Until when the network has told every change of a SIM."""

import django.db.models.deletion
from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """One row, without history: it moves with each call of the network."""

    dependencies = [
        ('cases', '0094_checkpoints_say_how_far_looks_went'),
    ]

    operations = [
        migrations.CreateModel(
            name='SimFeed',
            fields=[
                ('agency', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='+', serialize=False, to='cases.agency')),
                ('told_until', models.DateTimeField()),
            ],
        ),
    ]
