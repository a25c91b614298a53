"""It is kept of a contest what the decision did to the person beyond its own effect."""

from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """One list of each contest, and of its history."""

    dependencies = [
        ('cases', '0103_destroyed_keys_stand_in_a_list_beside'),
    ]

    operations = [
        migrations.AddField(
            model_name=name,
            name='harm',
            field=models.JSONField(blank=True, db_default=[], default=list, editable=False),
        )
        for name in ('contest', 'historicalcontest')
    ]
