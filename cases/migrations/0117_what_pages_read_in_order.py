"""Pages that show the first of many read no more than they show: tasks by what is due, open cases by when they came,
and callbacks by the reference they name."""

from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """Three partial indexes: of what is open, and of callbacks that name a reference."""

    dependencies = [
        ("cases", "0116_no_index_begins_another"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="callback",
            index=models.Index(
                models.F("agency_reference"),
                condition=models.Q(("agency_reference", ""), _negated=True),
                name="callback_found_by_ref",
            ),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index("opened_at", "id", name="case_opened", condition=models.Q(is_closed=False)),
        ),
        migrations.AddIndex(
            model_name="task",
            index=models.Index("due_at", "id", name="task_due", condition=models.Q(closed_at=None)),
        ),
    ]
