"""A flag that an agency's word put names that word and the time for which it stands."""

from django.db import migrations, models
from django.db.models.deletion import DO_NOTHING, PROTECT

from cases.migrations import Migration

KEPT = {"blank": True, "db_constraint": False, "db_index": False, "null": True, "on_delete": DO_NOTHING}


class Migration(Migration):
    """Adds two columns to flags; those that were put before have neither."""

    dependencies = [("cases", "0075_several_people_dispute_a_filing")]

    operations = [
        migrations.AddField(
            model_name="derivedflag",
            name="clock",
            field=models.ForeignKey(blank=True, null=True, on_delete=PROTECT, related_name="+", to="cases.clock"),
        ),
        migrations.AddField(
            model_name="derivedflag",
            name="notice",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=PROTECT, related_name="flags", to="cases.incomingnotice"
            ),
        ),
        migrations.AddField(
            model_name="historicalderivedflag",
            name="clock",
            field=models.ForeignKey(related_name="+", to="cases.clock", **KEPT),
        ),
        migrations.AddField(
            model_name="historicalderivedflag",
            name="notice",
            field=models.ForeignKey(related_name="+", to="cases.incomingnotice", **KEPT),
        ),
    ]
