"""Billing may tell of which day the newest of the fees is; a charge that is taken back says whether its day was told."""

from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """Adds a column to accounts and one to charges that are taken back."""

    dependencies = [("cases", "0068_batches_of_thousands_leave_in_files")]

    operations = [
        migrations.AddField(model_name=name, name="fees_date", field=models.DateField(blank=True, null=True))
        for name in ("account", "historicalaccount")
    ] + [
        migrations.AddField(model_name=name, name="is_day_told", field=models.BooleanField(default=False))
        for name in ("feereversal", "historicalfeereversal")
    ]
