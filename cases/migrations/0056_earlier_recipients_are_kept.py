from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):

    dependencies = [
        ('cases', '0055_defaults_have_rows'),
    ]

    operations = [
        migrations.AddField(
            model_name='historicalrightsrequest',
            name='told_before',
            field=models.JSONField(blank=True, db_default=[], default=list, editable=False),
        ),
        migrations.AddField(
            model_name='rightsrequest',
            name='told_before',
            field=models.JSONField(blank=True, db_default=[], default=list, editable=False),
        ),
    ]
