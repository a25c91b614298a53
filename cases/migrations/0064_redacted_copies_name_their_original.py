import django.db.models.deletion
from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):

    dependencies = [
        ('cases', '0063_rows_not_taken_name_their_message'),
    ]

    operations = [
        migrations.AddField(
            model_name='evidence',
            name='redacts',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='redacted_copies', to='cases.evidence'),
        ),
        migrations.AddField(
            model_name='historicalevidence',
            name='redacts',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='cases.evidence'),
        ),
        migrations.AddField(
            model_name='historicalpackagepart',
            name='original_sha256',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=64),
        ),
        migrations.AddField(
            model_name='packagepart',
            name='original_sha256',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=64),
        ),
    ]
