"""Fetched files that are to be erased because their time is over are found by an index."""

from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """One partial index."""

    dependencies = [
        ('cases', '0080_reports_say_when_they_were_erased'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='batchfile',
            index=models.Index(models.F('ended_at'), models.F('id'), condition=models.Q(('direction', 'in'), ('sealed_bytes__isnull', False)), name='file_to_erase'),
        ),
    ]
