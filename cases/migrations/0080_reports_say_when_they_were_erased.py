"""A report that was erased because its time is over says when."""

from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """When a report was erased, and the index by which those are found whose time is over."""

    dependencies = [
        ('cases', '0079_what_is_over_is_found_by_index'),
    ]

    operations = [
        migrations.AddField(
            model_name='auditreport',
            name='erased_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='historicalauditreport',
            name='erased_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddIndex(
            model_name='auditreport',
            index=models.Index(models.F('dispose_after_date'), models.F('id'), condition=models.Q(('dispose_after_date__isnull', False), ('erased_at', None)), name='report_to_erase'),
        ),
    ]
