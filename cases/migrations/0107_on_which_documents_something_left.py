"""What leaves names the versions of the documents on which it left."""

from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """Code and version of each paper; nothing of what left before."""

    dependencies = [
        ('cases', '0106_where_an_address_comes_from'),
    ]

    operations = [
        migrations.AddField(
            model_name=name,
            name='documents',
            field=models.JSONField(blank=True, db_default=[], default=list),
        )
        for name in ('releaseditem', 'historicalreleaseditem')
    ]
