"""An address may come from elsewhere than what else is known of its person."""

from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """The source of each address; empty where it is the person's own."""

    dependencies = [
        ('cases', '0105_large_files_leave_in_pieces'),
    ]

    operations = [
        migrations.AddField(
            model_name=name,
            name='source',
            field=models.CharField(blank=True, db_default='', default='', max_length=40),
        )
        for name in ('caseaddress', 'historicalcaseaddress')
    ]
