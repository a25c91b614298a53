"""Open cases are read by their amount, the greatest first, no further than a page shows."""

from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """One partial index, of what is open and has an amount."""

    dependencies = [
        ("cases", "0117_what_pages_read_in_order"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                fields=["-amount_pence", "id"],
                name="case_amount",
                condition=models.Q(is_closed=False, amount_pence__isnull=False),
            ),
        ),
    ]
