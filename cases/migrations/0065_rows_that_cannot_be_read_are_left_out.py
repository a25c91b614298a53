"""A row that an agency could not read may be left out until billing tells of its people anew."""

from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """Adds a column to rows that were not taken."""

    dependencies = [("cases", "0064_redacted_copies_name_their_original")]

    operations = [
        migrations.AddField(
            model_name="creditfilereject", name="left_out_at", field=models.DateTimeField(blank=True, null=True)
        ),
    ]
