"""A link says how whoever asked to break it showed who they are."""

from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """How the asker of a break is known."""

    dependencies = [
        ('cases', '0091_checks_keep_by_which_link_they_asked'),
    ]

    operations = [
        migrations.AddField(
            model_name=name,
            name='asker_shown_by',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=24),
        )
        for name in ('association', 'historicalassociation')
    ]
