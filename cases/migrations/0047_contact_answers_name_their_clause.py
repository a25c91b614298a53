from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):

    dependencies = [
        ('cases', '0046_subject_packs_are_given'),
    ]

    operations = [
        migrations.AddField(
            model_name='contactanswer',
            name='clause',
            field=models.CharField(blank=True, db_default='', default='', max_length=40),
        ),
    ]
