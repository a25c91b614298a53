"""What was done to all cases is read by its time, and one act by its name."""

from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """Writing an event costs these two indexes; reading a page of the trail costs no more however long it is."""

    dependencies = [
        ('cases', '0109_what_was_typed_is_kept'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='ledgerevent',
            index=models.Index(fields=['at', 'id'], name='ledgerevent_at'),
        ),
        migrations.AddIndex(
            model_name='ledgerevent',
            index=models.Index(fields=['action', 'at', 'id'], name='ledgerevent_action_at'),
        ),
    ]
