"""A claim says what the buyer collected of the debt that it gives back."""

from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """One column, and its like in the history."""

    dependencies = [
        ('cases', '0088_a_default_may_be_settled_for_less'),
    ]

    operations = [
        migrations.AddField(
            model_name='historicalsaleclaim',
            name='collected_pence',
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='saleclaim',
            name='collected_pence',
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddConstraint(
            model_name='saleclaim',
            constraint=models.CheckConstraint(
                condition=models.Q(('collected_pence', None), ('collected_pence__gte', 0), _connector='OR'),
                name='claim_collected_is_not_negative',
            ),
        ),
    ]
