"""When the cancellation of a request was put on record: one that came after the release ends nothing."""

from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """One column, and its like in the history."""

    dependencies = [
        ('cases', '0089_claims_say_what_the_buyer_collected'),
    ]

    operations = [
        migrations.AddField(
            model_name='disclosurerequest',
            name='cancelled_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='historicaldisclosurerequest',
            name='cancelled_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
    ]
