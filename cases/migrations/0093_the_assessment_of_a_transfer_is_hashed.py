"""An approved transfer keeps the hash of the risk assessment on which it stands."""

from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """One column, and its like in the history."""

    dependencies = [
        ('cases', '0092_a_break_keeps_how_its_asker_was_known'),
    ]

    operations = [
        migrations.AddField(
            model_name='historicaltransfer',
            name='assessment_sha256',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=64),
        ),
        migrations.AddField(
            model_name='transfer',
            name='assessment_sha256',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=64),
        ),
    ]
