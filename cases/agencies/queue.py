"""The outbox as a queue: which messages are due, who holds them, how a try ended. SQL only; opens no body.

Due times and leases are read on the database's clock. A lease is a fence: only its holder writes the outcome.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection, transaction
from psycopg.types.json import Jsonb

from cases.agencies.retries import Verdict
from cases.kernel import releases
from cases.kernel.exchange import held
from cases.kernel.prepared import Statement

LEASE_SECONDS = 120
RENEW_SECONDS = 30
BATCH = 50
CIRCUIT_AFTER = 5
CIRCUIT_FIRST_SECONDS = 30
CIRCUIT_LONGEST_SECONDS = 900
REJECTIONS_BEFORE_PAUSE = 3

_RECLAIM = Statement.of("""
UPDATE cases_outboxmessage m
   SET state = CASE WHEN c.receiver_dedupes THEN 'pending' ELSE 'unknown' END,
       lease = NULL, lease_until = NULL, due_at = now()
  FROM cases_channel c
 WHERE c.id = m.channel_id AND m.state = 'sending' AND m.lease_until < now()
RETURNING m.id
""")
# The data-sharing agreement has ended or is past its review; agreements.why_not refuses what is promised from then on.
_LAPSED = """coalesce(least(t.sharing_until_date, t.sharing_review_date)
                    < (now() AT TIME ZONE 'Europe/London')::date, false)"""
# A transfer abroad is proposed, lapsed or not approved (agreements.Standing); agreements.why_not says so too.
_WAITS_FOR_TRANSFER = """(coalesce(t.transfer_waits_for, '') <> ''
        OR NOT (a.country = 'GB' OR coalesce(t.transfer_covers_home, false))
        OR coalesce(t.transfer_until_date < (now() AT TIME ZONE 'Europe/London')::date, false))"""
# What may not leave any more is for people once it has waited a day; to an agency that is gone, at once.
_EXPIRE = Statement.of(f"""
UPDATE cases_outboxmessage m
   SET state = 'dead'
  FROM cases_channel c JOIN cases_agency a ON a.id = c.agency_id
  LEFT JOIN cases_agencyterms t ON t.agency_id = a.id
 WHERE c.id = m.channel_id AND m.state = 'pending'
   AND (m.expires_at <= now()
        OR (NOT a.is_active AND t.state = 'ended')
        OR (m.created_at < now() - interval '1 day'
            AND (NOT a.is_active OR ({_LAPSED} AND m.kind = ANY(%s)))))
RETURNING m.id
""")  # noqa: S608 -- of fixed text alone
# Locking the health rows lets one worker at a time count a channel's budget; others pass on to other channels.
_OPEN_CHANNELS = Statement.of(f"""
SELECT h.channel_id,
       CASE WHEN h.circuit_open_until IS NULL THEN c.max_in_flight ELSE 1 END,
       c.rate_per_minute
         - CASE WHEN h.minute_began_at > now() - interval '1 minute' THEN h.minute_count ELSE 0 END,
       {_LAPSED},
       {_WAITS_FOR_TRANSFER}
  FROM cases_channelhealth h JOIN cases_channel c ON c.id = h.channel_id JOIN cases_agency a ON a.id = c.agency_id
  LEFT JOIN cases_agencyterms t ON t.agency_id = a.id
 WHERE c.direction = 'out' AND c.state = 'active' AND a.is_active AND h.pause_reason = ''
   AND (h.circuit_open_until IS NULL OR h.circuit_open_until <= now())
   AND EXISTS (SELECT 1 FROM cases_outboxmessage m
                WHERE m.channel_id = h.channel_id AND m.state = 'pending' AND m.due_at <= now())
 ORDER BY h.channel_id
   FOR UPDATE OF h SKIP LOCKED
""")  # noqa: S608 -- of fixed text alone
_IN_FLIGHT = Statement.of("""
SELECT channel_id, count(*) FROM cases_outboxmessage
 WHERE state = 'sending' AND channel_id = ANY(%s) GROUP BY channel_id
""")
# A hold keeps what it stops, also what was promised before it began (kernel.exchange.held).
_KEPT = """EXISTS (
               SELECT 1 FROM unnest(%s::text[], %s::text[]) AS kept(kind, block) JOIN cases_hold h
                   ON h.case_id = m.case_id AND h.released_at IS NULL AND h.blocks @> to_jsonb(ARRAY[kept.block])
                WHERE kept.kind = m.kind AND h.began_at <= now() AND (h.ends_at IS NULL OR h.ends_at > now())
                  AND (h.party_id IS NULL OR EXISTS (
                       SELECT 1 FROM cases_release r JOIN cases_releasedperson p ON p.release_id = r.id
                        WHERE r.message_id = m.id AND p.party_id = h.party_id)))"""
# MATERIALIZED keeps the planner from locking more rows than the budget. What the law asks for under no agreement leaves
# without one, and without a transfer: a breach is told, a life is saved. All else waits until there is one.
_CLAIM = f"""
WITH due AS MATERIALIZED (
  SELECT waiting.id
    FROM unnest(%s::bigint[], %s::int[], %s::boolean[], %s::boolean[])
         AS budget(channel_id, most, is_lapsed, waits_for_transfer)
   CROSS JOIN LATERAL (
      SELECT m.id, m.priority, m.due_at FROM cases_outboxmessage m
       WHERE m.channel_id = budget.channel_id AND m.state = 'pending' AND m.due_at <= now()
         AND NOT (budget.is_lapsed AND m.kind = ANY(%s))
         AND NOT (budget.waits_for_transfer AND m.kind <> ALL(%s))
         AND NOT {_KEPT}
         ONLY_THESE
         AND (NOT m.is_ordered OR NOT EXISTS (
               SELECT 1 FROM cases_outboxmessage earlier
                WHERE earlier.stream_id = m.stream_id AND earlier.seq < m.seq AND earlier.is_ordered
                  AND earlier.state IN ('pending', 'sending', 'unknown', 'dead')))
       ORDER BY m.priority, m.due_at, m.id
       LIMIT budget.most
         FOR UPDATE OF m SKIP LOCKED) waiting
   ORDER BY waiting.priority, waiting.due_at, waiting.id
   LIMIT %s),
got AS (
  UPDATE cases_outboxmessage m
     SET state = 'sending', attempts = m.attempts + 1, lease = %s, lease_until = now() + make_interval(secs => %s)
    FROM due WHERE m.id = due.id
  RETURNING m.id, m.channel_id, m.attempts, m.body_sha256),
tried AS (
  INSERT INTO cases_deliveryattempt
         (message_id, number, started_at, outcome, error, remote_ip, key_names, request_sha256, response_sha256)
  SELECT id, attempts, now(), '', '', '', '', body_sha256, '' FROM got),
counted AS (
  UPDATE cases_channelhealth h
     SET minute_count = each.n
           + CASE WHEN h.minute_began_at > now() - interval '1 minute' THEN h.minute_count ELSE 0 END,
         minute_began_at =
           CASE WHEN h.minute_began_at > now() - interval '1 minute' THEN h.minute_began_at ELSE now() END
    FROM (SELECT channel_id, count(*) AS n FROM got GROUP BY channel_id) each
   WHERE h.channel_id = each.channel_id)
SELECT id, attempts FROM got ORDER BY id
"""  # noqa: S608 -- of fixed text alone
_CLAIM_ANY = Statement.of(_CLAIM.replace("ONLY_THESE", ""))
_CLAIM_THESE = Statement.of(_CLAIM.replace("ONLY_THESE", "AND m.public_id = ANY(%s)"))
_FINISH = Statement.of("""
WITH ended AS (
  SELECT * FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::float8[], %s::text[], %s::int[], %s::text[],
                       %s::int[], %s::text[], %s::text[], %s::text[], %s::bytea[], %s::jsonb[])
      AS e(id, number, state, delay, outcome, status, error, duration, ip, keys, response, excerpt, errors)),
kept AS (
  UPDATE cases_outboxmessage m
     SET state = CASE WHEN e.state = 'pending' AND m.expires_at <= now() + make_interval(secs => e.delay)
                      THEN 'dead' ELSE e.state END,
         due_at = CASE WHEN e.state = 'pending' THEN now() + make_interval(secs => e.delay) ELSE m.due_at END,
         delivered_at = CASE WHEN e.state IN ('delivered', 'refused') THEN now() ELSE m.delivered_at END,
         errors = e.errors, lease = NULL, lease_until = NULL
    FROM ended e WHERE m.id = e.id AND m.lease = %s AND m.state = 'sending'
  RETURNING m.id),
written AS (
  UPDATE cases_deliveryattempt a
     SET ended_at = now(), outcome = e.outcome, http_status = NULLIF(e.status, 0), error = e.error,
         duration_ms = e.duration, remote_ip = e.ip, key_names = e.keys, response_sha256 = e.response,
         sealed_excerpt = e.excerpt
    FROM ended e WHERE a.message_id = e.id AND a.number = e.number AND a.ended_at IS NULL)
SELECT id FROM kept
""")
_WELL = Statement.of("""
UPDATE cases_channelhealth
   SET consecutive_failures = 0, consecutive_rejections = 0, failing_since = NULL, circuit_open_until = NULL
 WHERE channel_id = %s
   AND (consecutive_failures <> 0 OR consecutive_rejections <> 0
        OR failing_since IS NOT NULL OR circuit_open_until IS NOT NULL)
RETURNING channel_id
""")
_UNWELL = """
UPDATE cases_channelhealth
   SET consecutive_failures = consecutive_failures + %(failures)s,
       consecutive_rejections = CASE WHEN %(rejections)s = 0 THEN 0 ELSE consecutive_rejections + %(rejections)s END,
       failing_since = COALESCE(failing_since, now()),
       circuit_open_until = CASE WHEN consecutive_failures + %(failures)s >= %(limit)s
         THEN now() + make_interval(secs => LEAST(
           %(first)s * power(2, LEAST(consecutive_failures + %(failures)s - %(limit)s, 10)), %(longest)s))
         END,
       pause_reason = CASE WHEN %(rejections)s > 0 AND consecutive_rejections + %(rejections)s >= %(most_rejections)s
         THEN 'rejected' ELSE pause_reason END
 WHERE channel_id = %(channel)s
"""
_RENEW = """
UPDATE cases_outboxmessage SET lease_until = now() + make_interval(secs => %s)
 WHERE lease = %s AND state = 'sending' AND id = ANY(%s)
RETURNING id
"""
_STOP = "UPDATE cases_channelhealth SET pause_reason = %s WHERE channel_id = %s AND pause_reason = ''"


@dataclass(frozen=True)
class Claimed:
    """One message that this worker holds, and the number of the try it is making."""

    message_id: int
    number: int


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How one try ended, as it is written down."""

    claimed: Claimed
    channel_id: int
    verdict: Verdict
    http_status: int = 0
    duration_ms: int = 0
    remote_ip: str = ""
    key_names: str = ""
    response_sha256: str = ""
    sealed_excerpt: bytes | None = None


def reclaim() -> int:
    """Free what a dead worker held: due again, or unknown where the receiver cannot tell a repeat. Expire the old, and
    what may not leave any more."""
    _EXPIRE.rows([_under_agreement()])
    return len(_RECLAIM.rows([]))


def claim(lease: uuid.UUID, *, most: int = BATCH, only: Sequence[uuid.UUID] = ()) -> list[Claimed]:
    """Lease due messages, at most one per ordered stream and within each channel's budget; write their tries. With
    `only`, none but these."""
    with transaction.atomic():
        budgets = _budgets()
        if not budgets:
            return []
        columns = [list(column) for column in zip(*budgets, strict=True)]
        these = [list(only)] if only else []
        statement = _CLAIM_THESE if only else _CLAIM_ANY
        kept = held.kinds()
        named = [_under_agreement(), _asked_by_law(), list(kept), list(kept.values())]
        got = statement.rows([*columns, *named, *these, most, lease, LEASE_SECONDS])
        return [Claimed(message_id, number) for message_id, number in got]


def renew(lease: uuid.UUID, message_ids: Sequence[int], *, more_seconds: int = 0) -> set[int]:
    """Hold what is still being tried for as long again: a lease ends with its worker, not with a slow agency. Returns
    what is held; the rest was reclaimed meanwhile and may not be sent."""
    with connection.cursor() as cursor:
        cursor.execute(_RENEW, [LEASE_SECONDS + more_seconds, lease, list(message_ids)])
        return {message_id for (message_id,) in cursor.fetchall()}


def _under_agreement() -> list[str]:
    """Return the kinds of message that go under the data-sharing agreement with their agency."""
    return [kind.code for kind in releases.KINDS.values() if kind.needs_agreement]


def _asked_by_law() -> list[str]:
    """Return the kinds of message that go under no agreement, and so under no transfer either."""
    return [kind.code for kind in releases.KINDS.values() if not kind.needs_agreement]


def _budgets() -> list[tuple[int, int, bool, bool]]:
    """Return each open channel with how many messages it may take now, whether its agreement has lapsed, and whether it
    waits for a transfer abroad; and lock those channels' health rows."""
    rows = _OPEN_CHANNELS.rows([])
    in_flight = dict(_IN_FLIGHT.rows([[row[0] for row in rows]])) if rows else {}
    budgets = [(channel, min(most - in_flight.get(channel, 0), rate), *held) for channel, most, rate, *held in rows]
    return [each for each in budgets if each[1] > 0]


def finish(lease: uuid.UUID, ended: list[Ended]) -> set[int]:
    """Write how tries ended, and how their channels fare. Returns the messages still held under `lease`:

    the try of a message that was reclaimed meanwhile is completed, its state is left alone.
    """
    if not ended:
        return set()
    with transaction.atomic():
        kept = {message_id for (message_id,) in _FINISH.rows([*_columns(ended), lease])}
        for channel_id in sorted({one.channel_id for one in ended}):
            _note_health(channel_id, [one.verdict for one in ended if one.channel_id == channel_id])
    return kept


def _columns(ended: list[Ended]) -> list[list[object]]:

    rows = [
        (
            one.claimed.message_id,
            one.claimed.number,
            one.verdict.state,
            one.verdict.delay_seconds,
            one.verdict.outcome,
            one.http_status,
            one.verdict.error[:80],
            one.duration_ms,
            one.remote_ip,
            one.key_names[:120],
            one.response_sha256,
            one.sealed_excerpt,
            Jsonb(one.verdict.errors),
        )
        for one in ended
    ]
    return [list(column) for column in zip(*rows, strict=True)]


def _note_health(channel_id: int, verdicts: list[Verdict]) -> None:
    failures = sum(verdict.is_failure for verdict in verdicts)
    rejections = sum(verdict.is_rejection for verdict in verdicts)
    pause = next((verdict.pause for verdict in verdicts if verdict.pause), "")
    if failures < len(verdicts):
        _WELL.rows([channel_id])
    with connection.cursor() as cursor:
        if failures == len(verdicts):
            cursor.execute(
                _UNWELL,
                {
                    "failures": failures,
                    "rejections": rejections,
                    "limit": CIRCUIT_AFTER,
                    "first": CIRCUIT_FIRST_SECONDS,
                    "longest": CIRCUIT_LONGEST_SECONDS,
                    "most_rejections": REJECTIONS_BEFORE_PAUSE,
                    "channel": channel_id,
                },
            )
        if pause:
            cursor.execute(_STOP, [pause, channel_id])
