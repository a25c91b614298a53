"""Callbacks that matched no case are found by the reference they name, however many an agency has sent."""

from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """One partial index, which holds what is unmatched alone."""

    dependencies = [
        ('cases', '0111_whose_a_case_is_from_one_index'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='callback',
            index=models.Index(
                'agency', 'agency_reference', condition=models.Q(state='unmatched'), name='callback_unmatched'
            ),
        ),
    ]
