"""A checkpoint says how many looks there were, so that the read log is sealed an hour later."""

from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """The number of the newest look of each checkpoint."""

    dependencies = [
        ('cases', '0093_the_assessment_of_a_transfer_is_hashed'),
    ]

    operations = [
        migrations.AddField(
            model_name='checkpoint',
            name='last_look',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
    ]
