"""What an open request keeps is found by name, handset and IP address too, and changes of SIMs by the number."""

import django.contrib.postgres.fields
from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """What else stands in the entry of a request. Those that there are go: until the next night has made them anew, open
    requests keep everything."""

    dependencies = [
        ('cases', '0100_debt_has_figures_from_a_day_on'),
    ]

    operations = [
        migrations.AddField(
            model_name='requestentry',
            name='all_numbers',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='requestentry',
            name='has_devices',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='requestentry',
            name='names',
            field=models.JSONField(db_default=[], default=list),
        ),
        migrations.AddField(
            model_name='requestentry',
            name='numbers',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), db_default=[], default=list, size=None),
        ),
        migrations.RunSQL('DELETE FROM cases_requestentry', migrations.RunSQL.noop),
    ]
