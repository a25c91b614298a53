"""A check says by which financial links a linked person was asked about."""

from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """The links that a check used."""

    dependencies = [
        ('cases', '0090_a_cancellation_after_the_release_is_on_record'),
    ]

    operations = [
        migrations.AddField(
            model_name=name,
            name='links_used',
            field=models.JSONField(blank=True, db_default=[], default=list, editable=False),
        )
        for name in ('check', 'historicalcheck')
    ]
