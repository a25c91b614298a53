"""A person of a case says that they are erased; a disposal says of how many people it is."""

from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """People are erased alone, and those that are due are found by an index."""

    dependencies = [
        ('cases', '0081_fetched_files_to_erase_are_found_by_index'),
    ]

    operations = [
        migrations.AddField(
            model_name='caseparty',
            name='is_erased',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='disposal',
            name='people',
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='historicalcaseparty',
            name='is_erased',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='historicaldisposal',
            name='people',
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddIndex(
            model_name='caseparty',
            index=models.Index(models.F('dispose_after_date'), models.F('id'), condition=models.Q(('dispose_after_date__isnull', False), ('is_erased', False)), name='person_kept_until'),
        ),
    ]
