"""It is known since when somebody has a telephone number and lives at an address."""

from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """Two days of each holder of an account, and of their history."""

    dependencies = [
        ('cases', '0101_requests_keep_by_name_and_handset'),
    ]

    operations = [
        migrations.AddField(
            model_name=name,
            name=day,
            field=models.DateField(blank=True, null=True),
        )
        for name in ('accountholder', 'historicalaccountholder')
        for day in ('phone_date', 'address_date')
    ]
