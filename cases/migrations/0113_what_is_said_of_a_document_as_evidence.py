"""What is said of a document as evidence when it is taken in."""

import cases.ledger.sealed
from django.db import migrations

from cases.migrations import Migration


class Migration(Migration):
    """How it was come by and what it may be used for, sealed; empty of all that came before."""

    dependencies = [
        ('cases', '0112_callbacks_of_no_case_are_found_by_reference'),
    ]

    operations = [
        migrations.AddField(
            model_name=name,
            name='admissibility',
            field=cases.ledger.sealed.SealedTextField(null=True),
        )
        for name in ('evidence', 'historicalevidence')
    ]
