"""An answer of the send gate says how whoever gets the message can opt out, and of which batch it is."""

from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """Opt-out and batch of an answer."""

    dependencies = [
        ('cases', '0097_accounts_say_how_they_are_paid'),
    ]

    operations = [
        migrations.AddField(
            model_name='contactanswer',
            name='opt_out',
            field=models.CharField(blank=True, db_default='', default='', max_length=12),
        ),
        migrations.AddField(
            model_name='contactanswer',
            name='batch',
            field=models.CharField(blank=True, db_default='', default='', max_length=40),
        ),
    ]
