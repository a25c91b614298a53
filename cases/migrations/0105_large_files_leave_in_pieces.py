"""A file that is too large for one message leaves in pieces, each in a message of its own."""

import django.db.models.deletion
from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """The hashes of the pieces of each file, and which bytes a message takes."""

    dependencies = [
        ('cases', '0104_what_harm_a_contested_decision_did'),
    ]

    operations = [
        *(
            migrations.AddField(
                model_name=name,
                name='pieces',
                field=models.JSONField(blank=True, db_default=[], default=list, editable=False),
            )
            for name in ('packagepart', 'historicalpackagepart')
        ),
        migrations.AddField(
            model_name='outboxmessage',
            name='load',
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name='+',
                to='cases.storedblob',
            ),
        ),
        migrations.AddField(
            model_name='outboxmessage',
            name='load_from',
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='outboxmessage',
            name='load_bytes',
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
    ]
