"""A referral keeps the hash of its incident under every index key of its day."""

import django.contrib.postgres.indexes
from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):

    dependencies = [
        ('cases', '0022_retention_classes_are_rows'),
    ]

    operations = [
        migrations.AddField(
            model_name='fraudreferral',
            name='incident_tokens',
            field=models.JSONField(default=list, editable=False),
        ),
        migrations.AddField(
            model_name='historicalfraudreferral',
            name='incident_tokens',
            field=models.JSONField(default=list, editable=False),
        ),
        migrations.AddIndex(
            model_name='fraudreferral',
            index=django.contrib.postgres.indexes.GinIndex(fastupdate=False, fields=['incident_tokens'], name='fraud_incident_tokens'),
        ),
    ]
