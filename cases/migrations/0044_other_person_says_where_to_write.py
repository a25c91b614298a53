from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):

    dependencies = [
        ('cases', '0043_accounts_have_rows'),
    ]

    operations = [
        migrations.AddField(
            model_name='association',
            name='other_wants_home',
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddField(
            model_name='historicalassociation',
            name='other_wants_home',
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
    ]
