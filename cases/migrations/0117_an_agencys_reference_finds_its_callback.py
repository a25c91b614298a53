"""Whoever searches for an agency's reference finds its callbacks from an index, however many there are."""

from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """One partial index, which holds the callbacks alone that name a reference."""

    dependencies = [
        ("cases", "0116_no_index_begins_another"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="callback",
            index=models.Index(
                models.F("agency_reference"),
                condition=models.Q(("agency_reference", ""), _negated=True),
                name="callback_found_by_ref",
            ),
        ),
    ]
