"""An open request of an authority keeps what is held of whom it is about: it knows them by blind tokens."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """The tokens of each request. They are made anew at any time, so they have no history."""

    dependencies = [
        ("cases", "0086_what_waits_is_found_by_an_index"),
    ]

    operations = [
        migrations.CreateModel(
            name="RequestEntry",
            fields=[
                (
                    "case",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="request_entry",
                        serialize=False,
                        to="cases.case",
                    ),
                ),
                (
                    "tokens",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                ),
            ],
        ),
    ]
