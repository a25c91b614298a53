"""Several people may dispute one filing at once, each on grounds of their own."""

from django.db import migrations, models
from django.db.models import Q

from cases.migrations import Migration


class Migration(Migration):
    """One open dispute of a filing becomes one of each person and grounds."""

    dependencies = [("cases", "0074_sales_say_when_payments_are_passed_on")]

    operations = [
        migrations.RemoveConstraint(model_name="frauddispute", name="one_open_dispute_per_filing"),
        migrations.AddConstraint(
            model_name="frauddispute",
            constraint=models.UniqueConstraint(
                fields=["case", "party", "grounds"],
                condition=Q(closed_at=None),
                nulls_distinct=False,
                name="one_open_dispute_per_person",
            ),
        ),
    ]
