"""Open cases that wait for nothing of ours are counted for the queue by an index of their own."""

from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """One partial index."""

    dependencies = [
        ('cases', '0085_checkpoints_name_their_key'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='case',
            index=models.Index(
                models.F('team'), condition=models.Q(('is_closed', False), ('is_dormant', True)), name='case_waiting'
            ),
        ),
    ]
