"""A large file of an agency lies in the store: its rows once for all agencies, and what is carried."""

import django.db.models.deletion
from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """Adds two columns to files."""

    dependencies = [("cases", "0060_monthly_files_say_what_was_taken")]

    operations = [
        migrations.AddField(
            model_name="batchfile",
            name="rows",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="cases.storedblob",
            ),
        ),
        migrations.AddField(
            model_name="batchfile",
            name="carried",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="cases.storedblob",
            ),
        ),
    ]
