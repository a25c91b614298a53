"""A batch names the accounts that were chosen for it; each account names the file in which it left."""

from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """Adds two columns that history leaves out, and fills the second for what has left."""

    dependencies = [("cases", "0067_figures_have_rows")]

    operations = [
        migrations.AddField(
            model_name="placementbatch",
            name="chosen",
            field=ArrayField(base_field=models.BigIntegerField(), default=list, editable=False, size=None),
        ),
        migrations.AddField(
            model_name="placement",
            name="file_uid",
            field=models.UUIDField(blank=True, db_index=True, editable=False, null=True),
        ),
        migrations.RunSQL(
            "UPDATE cases_placement AS line SET file_uid = batch.file_uid FROM cases_placementbatch AS batch "
            "WHERE batch.id = line.batch_id AND batch.file_uid IS NOT NULL; SET CONSTRAINTS ALL IMMEDIATE",
            migrations.RunSQL.noop,
        ),
    ]
