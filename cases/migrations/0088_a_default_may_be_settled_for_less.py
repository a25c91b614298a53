"""A default says whether less than all of it was accepted for all."""

from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """Whether a default was settled for less."""

    dependencies = [
        ('cases', '0087_what_a_request_is_about_is_kept'),
    ]

    operations = [
        migrations.AddField(
            model_name=name,
            name='is_settled',
            field=models.BooleanField(db_default=False, default=False, editable=False),
        )
        for name in ('default', 'historicaldefault')
    ]
