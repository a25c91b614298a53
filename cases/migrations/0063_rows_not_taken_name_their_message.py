"""A row that an agency did not take names the message by which it was told of the account since."""

from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """Adds a column to rows that were not taken."""

    dependencies = [("cases", "0062_texts_of_a_pack_are_read_through")]

    operations = [
        migrations.AddField(
            model_name="creditfilereject", name="message_id", field=models.UUIDField(blank=True, null=True)
        ),
    ]
