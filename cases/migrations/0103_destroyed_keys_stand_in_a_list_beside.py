"""A key that is destroyed waits to be written into the list beside the database; those destroyed so far are written too."""

import django.db.models.deletion
from django.db import migrations, models

from cases.migrations import Migration

FORWARDS = """
CREATE FUNCTION datakey_tombstone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO cases_tombstone (key_id) VALUES (NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER cases_datakey_tombstone AFTER UPDATE ON cases_datakey FOR EACH ROW
    WHEN (OLD.destroyed_at IS NULL AND NEW.destroyed_at IS NOT NULL) EXECUTE FUNCTION datakey_tombstone();
INSERT INTO cases_tombstone (key_id) SELECT id FROM cases_datakey WHERE destroyed_at IS NOT NULL;
"""
BACKWARDS = """
DROP TRIGGER cases_datakey_tombstone ON cases_datakey;
DROP FUNCTION datakey_tombstone();
"""


class Migration(Migration):
    """Keys that were destroyed."""

    dependencies = [
        ('cases', '0102_holders_are_known_since_a_day'),
    ]

    operations = [
        migrations.CreateModel(
            name='Tombstone',
            fields=[
                ('key', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='+', serialize=False, to='cases.datakey')),
            ],
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
