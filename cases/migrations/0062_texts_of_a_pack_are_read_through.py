import django.contrib.postgres.indexes
from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):

    dependencies = [
        ('cases', '0061_large_files_lie_in_the_store'),
    ]

    operations = [
        migrations.AddField(
            model_name='historicalrightsrequest',
            name='identity_of',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=64),
        ),
        migrations.AddField(
            model_name='historicalrightsrequest',
            name='texts_read',
            field=models.JSONField(blank=True, db_default={}, default=dict, editable=False),
        ),
        migrations.AddField(
            model_name='rightsrequest',
            name='identity_of',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=64),
        ),
        migrations.AddField(
            model_name='rightsrequest',
            name='texts_read',
            field=models.JSONField(blank=True, db_default={}, default=dict, editable=False),
        ),
        migrations.AddIndex(
            model_name='contactanswer',
            index=django.contrib.postgres.indexes.GinIndex(fields=['tokens'], name='contact_answer_tokens'),
        ),
    ]
