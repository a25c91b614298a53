"""A claim keeps whether anything stopped the debt when it came back: then its notice asks nobody to pay."""

from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """One column, and its like in the history."""

    dependencies = [
        ('cases', '0083_checkpoints_of_the_ledger_are_kept'),
    ]

    operations = [
        migrations.AddField(
            model_name='historicalsaleclaim',
            name='is_stopped',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='saleclaim',
            name='is_stopped',
            field=models.BooleanField(default=False),
        ),
    ]
