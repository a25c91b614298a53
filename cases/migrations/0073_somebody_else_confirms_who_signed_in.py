"""Whoever follows a one-time link that a colleague made is confirmed by another; all who are here count as confirmed."""

from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """Adds a column to people."""

    dependencies = [("cases", "0072_fetched_files_count_their_tries")]

    operations = [
        migrations.AddField(model_name="user", name="is_confirmed", field=models.BooleanField(default=True)),
    ]
