"""A checkpoint says with which public key it is verified, whichever signs by now."""

from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """The public key of each checkpoint."""

    dependencies = [
        ('cases', '0084_what_comes_back_keeps_whether_anything_stopped_it'),
    ]

    operations = [
        migrations.AddField(
            model_name='checkpoint',
            name='public',
            field=models.CharField(db_default='', default='', max_length=120),
        ),
    ]
