"""A question of a partner keeps whether its processor proved itself by a key of its own."""

from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """One column, and its like in the history."""

    dependencies = [
        ('cases', '0095_the_network_says_until_when_it_told'),
    ]

    operations = [
        migrations.AddField(
            model_name='historicalpartnerquery',
            name='has_own_key',
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddField(
            model_name='partnerquery',
            name='has_own_key',
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
    ]
