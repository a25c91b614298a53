"""A fetched file counts how often somebody began to take it: one that ends its worker is refused in the end."""

from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """Adds a column to files."""

    dependencies = [("cases", "0071_statistics_of_disclosures_are_kept")]

    operations = [
        migrations.AddField(model_name="batchfile", name="tries", field=models.PositiveSmallIntegerField(default=0)),
    ]
