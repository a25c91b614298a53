"""Who and what of an event come from fixed places of its body; guards compare columns. Both made JSON of it before."""

import django.db.models
from django.db import migrations, models

from cases.ledger.guards import RedrawGuards
from cases.migrations import Migration

# As in 0002, but for the time of the act: it too is taken from its place, after a look at what stands around it.
APPEND = """
CREATE OR REPLACE FUNCTION ledger_append(_stream uuid, _uid uuid, _body text, _reason bytea) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    head cases_ledgerhead%ROWTYPE;
    now_recorded timestamptz;
    next_id bigint;
    next_hash bytea;
    beginning text[] := string_to_array(left(_body, 400), '"');
BEGIN
    IF (beginning[1], beginning[2], beginning[3], beginning[5], beginning[6], beginning[7], beginning[9], beginning[10])
        IS DISTINCT FROM ('{', 'action', ':', ',', 'actor', ':', ',', 'at') THEN
        RAISE EXCEPTION 'ledger: a body begins with action, actor and at' USING ERRCODE = 'check_violation';
    END IF;
    SELECT * INTO head FROM cases_ledgerhead WHERE stream = _stream FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO cases_ledgerhead (stream, seq, hash) VALUES (_stream, 0, decode(repeat('00', 32), 'hex'))
            ON CONFLICT DO NOTHING;
        SELECT * INTO head FROM cases_ledgerhead WHERE stream = _stream FOR UPDATE;
    END IF;
    now_recorded := clock_timestamp();
    next_id := nextval(pg_get_serial_sequence('cases_ledgerevent', 'id'));
    next_hash := sha256(
        '\\x00'::bytea || head.hash || int8send(head.seq + 1) || int8send(next_id)
        || int8send((extract(epoch FROM now_recorded) * 1000000)::bigint) || convert_to(_body, 'UTF8')
    );
    INSERT INTO cases_ledgerevent (id, uid, stream, seq, at, recorded_at, body, reason, prev, hash)
        VALUES (next_id, _uid, _stream, head.seq + 1, beginning[12]::timestamptz, now_recorded,
                _body, _reason, head.hash, next_hash);
    UPDATE cases_ledgerhead SET seq = head.seq + 1, hash = next_hash WHERE stream = _stream;
    RETURN head.seq + 1;
END $$;
"""


def from_body(place: int) -> models.GeneratedField:
    """Return the column of what stands at this place between the quotes of the body."""
    what = django.db.models.Func(
        django.db.models.F("body"),
        django.db.models.Value('"'),
        django.db.models.Value(place),
        function="split_part",
        output_field=models.CharField(max_length=80),
    )
    return models.GeneratedField(db_persist=True, expression=what, output_field=models.CharField(max_length=80))


class Migration(Migration):
    dependencies = [
        ("cases", "0027_disclosure_requests_have_rows"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="ledgerevent", name="ledgerevent_actor_at"),
        migrations.RemoveField(model_name="ledgerevent", name="actor"),
        migrations.RemoveField(model_name="ledgerevent", name="action"),
        migrations.AddField(model_name="ledgerevent", name="actor", field=from_body(8)),
        migrations.AddField(model_name="ledgerevent", name="action", field=from_body(4)),
        migrations.AddIndex(
            model_name="ledgerevent", index=models.Index(fields=["actor", "at"], name="ledgerevent_actor_at")
        ),
        migrations.RunSQL(APPEND, migrations.RunSQL.noop),
        RedrawGuards(),
    ]
