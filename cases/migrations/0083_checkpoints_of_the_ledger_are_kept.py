"""The leaves and signed checkpoints over every stream; append-only."""

from django.db import migrations, models

from cases.ledger.guards import APPEND_ONLY_REVERSE_SQL, APPEND_ONLY_SQL
from cases.migrations import Migration



def append_only(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(APPEND_ONLY_SQL.format(table=table), APPEND_ONLY_REVERSE_SQL.format(table=table))


class Migration(Migration):
    """What was sealed is neither changed nor removed."""

    dependencies = [
        ('cases', '0082_people_are_erased_when_their_time_is_over'),
    ]

    operations = [
        migrations.CreateModel(
            name='Checkpoint',
            fields=[
                ('size', models.BigIntegerField(primary_key=True, serialize=False)),
                ('root', models.BinaryField()),
                ('at', models.DateTimeField()),
                ('last_event', models.BigIntegerField()),
                ('frontier', models.JSONField(default=list)),
                ('note', models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name='LedgerLeaf',
            fields=[
                ('idx', models.BigIntegerField(primary_key=True, serialize=False)),
                ('stream', models.UUIDField()),
                ('seq', models.BigIntegerField()),
                ('hash', models.BinaryField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('stream', 'seq'), name='ledgerleaf_stream_seq')],
            },
        ),
        append_only("cases_ledgerleaf"),
        append_only("cases_checkpoint"),
    ]
