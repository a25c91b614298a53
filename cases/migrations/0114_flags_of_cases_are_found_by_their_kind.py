"""The queue is filtered by the kinds of hold in force."""

from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """One index of the holds that were not released."""

    dependencies = [
        ('cases', '0113_what_is_said_of_a_document_as_evidence'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='hold',
            index=models.Index(models.F('kind'), models.F('case'), condition=models.Q(('released_at', None)), name='hold_kind'),
        ),
    ]
