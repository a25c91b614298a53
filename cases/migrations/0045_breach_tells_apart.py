import cases.ledger.sealed
from django.db import migrations

from cases.migrations import Migration


class Migration(Migration):

    dependencies = [
        ('cases', '0044_other_person_says_where_to_write'),
    ]

    operations = [
        migrations.AddField(
            model_name='breach',
            name='told_how',
            field=cases.ledger.sealed.SealedTextField(null=True),
        ),
        migrations.AddField(
            model_name='breach',
            name='told_inside',
            field=cases.ledger.sealed.SealedTextField(null=True),
        ),
        migrations.AddField(
            model_name='historicalbreach',
            name='told_how',
            field=cases.ledger.sealed.SealedTextField(null=True),
        ),
        migrations.AddField(
            model_name='historicalbreach',
            name='told_inside',
            field=cases.ledger.sealed.SealedTextField(null=True),
        ),
    ]
