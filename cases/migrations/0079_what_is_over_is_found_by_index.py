"""What is to be erased because its time is over is found by an index, not by a look at every message and try."""

import django.db.models.functions.comparison
from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """Two partial indexes."""

    dependencies = [
        ('cases', '0078_cases_are_erased_when_their_time_is_over'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='deliveryattempt',
            index=models.Index(models.F('ended_at'), models.F('id'), condition=models.Q(('sealed_excerpt__isnull', False)), name='excerpt_to_erase'),
        ),
        migrations.AddIndex(
            model_name='outboxmessage',
            index=models.Index(django.db.models.functions.comparison.Coalesce('acknowledged_at', 'settled_at'), models.F('id'), condition=models.Q(('sealed_body__isnull', False), ('settled_at__isnull', False)), name='message_to_erase'),
        ),
    ]
