"""An account says how it is usually paid, where billing tells it."""

from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """How accounts are paid."""

    dependencies = [
        ('cases', '0096_processors_ask_with_keys_of_their_own'),
    ]

    operations = [
        migrations.AddField(
            model_name=name,
            name='paid_by',
            field=models.CharField(blank=True, max_length=16, null=True),
        )
        for name in ('account', 'historicalaccount')
    ]
