"""A sale says within how many working days a payment that a customer makes to us is passed on to the buyer."""

from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """Adds a column to sales."""

    dependencies = [("cases", "0073_somebody_else_confirms_who_signed_in")]

    operations = [
        migrations.AddField(
            model_name="debtsale",
            name="pass_on_days",
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="historicaldebtsale",
            name="pass_on_days",
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
    ]
