"""Holds of a restricted case on what others work on: placed and lifted inside its compartment, found by token alone.

Whoever asks learns that a policy hold stops the act, and nothing else; the row of what is held is never touched. A hold
on a case goes on where that is split or merged: nothing is written in the compartment, and whoever asks about a case
asks about those as well that it came from.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection

from cases.kernel.finding import terms
from cases.kernel.models import Case, CaseLink, QuietHold
from cases.ledger import keys, sealing
from cases.ledger.prepared import Statement

__all__ = ["account_token", "blocked", "blocked_each", "case_token", "holding", "lift", "named", "origins", "place"]

CASE, ACCOUNT = "quiet_hold_case", "quiet_hold_account"


def case_token(uid: UUID) -> bytes:
    """Return the token by which a case is held."""
    return sealing.keyed_hash(CASE, str(uid))


def account_token(reference: str) -> bytes:
    """Return the token by which a customer account is held; capitals do not count, nor does what divides them."""
    return sealing.keyed_hash(ACCOUNT, terms.account(reference))


def _as_before(reference: str) -> str:
    """Return an account as holds placed by an earlier release have it: with what divides it, but without space."""
    return "".join(reference.split()).upper()


def place(case: Case, tokens: Iterable[bytes], *, blocks: Iterable[str], at: datetime) -> None:
    """Hold what the tokens stand for, inside the current ledger action of the restricted case."""
    for token in tokens:
        QuietHold.objects.create(case=case, token=token, blocks=sorted(blocks), began_at=at)


def lift(case: Case, *, at: datetime) -> int:
    """Release every hold that a restricted case placed, inside its current ledger action. Returns how many."""
    held = list(QuietHold.objects.filter(case=case, released_at=None))
    for hold in held:
        hold.released_at = at
        hold.save(update_fields=["released_at"])
    return len(held)


def blocked(*, case_uid: UUID | None = None, account: str = "", case_uids: Iterable[UUID] = ()) -> frozenset[str]:
    """Return every act that some hold of an open case blocks on a case, an account or one of several cases, or on what
    these came from. One query, and one more where they came from any; tokens made under earlier index keys count."""
    cases = [*([case_uid] if case_uid else []), *case_uids]
    tokens = _case_tokens(cases)
    if account:
        forms = dict.fromkeys((terms.account(account), _as_before(account)))
        tokens = [*tokens, *(token for form in forms for token in sealing.kept_hashes(ACCOUNT, form))]
    rows = _BLOCKED_ONE.rows([cases[0], tokens]) if len(cases) == 1 else _BLOCKED.rows([cases, tokens])
    if came_from := [uid for uid, _ in rows if uid is not None]:
        rows += _BLOCKED.rows([[], _case_tokens(came_from)])
    return frozenset(act for uid, blocks in rows if uid is None for act in json.loads(blocks))


def _case_tokens(uids: Iterable[UUID]) -> list[bytes]:
    return [token for uid in uids for token in sealing.kept_hashes(CASE, str(uid))]


def origins(cases: Iterable[int]) -> list[tuple[int, int, UUID]]:
    """Return of each of these cases those that it was split from, or that were merged into it, at any remove: its key,
    theirs, and their uid. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_ORIGINS, [list(cases)])
        return list(cursor.fetchall())


def named(cases: Mapping[int, UUID], tokens: Iterable[bytes | memoryview | None]) -> frozenset[int]:
    """Return which of these cases, uid by key, a token stands for, under any index key there is. No query."""
    wanted = {bytes(token) for token in tokens if token is not None}
    if not wanted:
        return frozenset()
    uids = [str(uid) for uid in cases.values()]
    hashes = (keys.keyed_hashes(CASE, uids, version=version) for version in keys.index_keys())
    return frozenset(pk for each in hashes for pk, token in zip(cases, each, strict=True) if token in wanted)


def holding(cases: Mapping[int, UUID], block: str) -> frozenset[int]:
    """Return on which of these cases, uid by key, a hold of an open case blocks an act. One query."""
    rows = QuietHold.objects.filter(blocks__contains=[block], released_at=None, case__is_closed=False)
    return named(cases, rows.values_list("token", flat=True))


_CASE, _LINK = Case._meta.db_table, CaseLink._meta.db_table
_CAME_FROM = f"""
WITH RECURSIVE came_from(root, id) AS (
    {{first}}
    UNION
    SELECT came.root, source.id FROM came_from came CROSS JOIN LATERAL (
        SELECT other_id AS id FROM {_LINK} WHERE case_id = came.id AND kind = 'split_from'
        UNION ALL
        SELECT id FROM {_CASE} WHERE merged_into_id = came.id
    ) source
)"""
_ORIGINS = f"""{_CAME_FROM.format(first="SELECT id, id FROM unnest(%s::bigint[]) given(id)")}
SELECT came.root, own.id, own.uid FROM came_from came JOIN {_CASE} own ON own.id = came.id WHERE came.id <> came.root"""


def _blocked(cases: str) -> Statement:
    """Return what asks for the acts that are blocked on these cases, and which cases they came from."""
    return Statement.of(f"""{_CAME_FROM.format(first=f"SELECT id, id FROM {_CASE} WHERE {cases}")}
SELECT own.uid, NULL::jsonb FROM came_from came JOIN {_CASE} own ON own.id = came.id WHERE came.id <> came.root
UNION ALL
SELECT NULL, held.blocks FROM {QuietHold._meta.db_table} held JOIN {_CASE} own ON own.id = held.case_id
 WHERE held.token = ANY(%s) AND held.released_at IS NULL AND NOT own.is_closed""")


# One case is asked of at every move of every case, by everybody who may make it: of a list of them, even of one, the
# database would make a plan anew each time, which takes longer than the answer.
_BLOCKED_ONE, _BLOCKED = _blocked("uid = %s"), _blocked("uid = ANY(%s::uuid[])")


def blocked_each(accounts: Sequence[str]) -> dict[str, frozenset[str]]:
    """Return for each account what `blocked` says of it. One query, whatever the number."""
    tokens: dict[bytes, set[str]] = {}
    forms = [
        (form, account) for account in dict.fromkeys(accounts) for form in (terms.account(account), _as_before(account))
    ]
    for version in keys.index_keys():
        hashes = keys.keyed_hashes(ACCOUNT, [form for form, _ in forms], version=version)
        for token, (_, account) in zip(hashes, forms, strict=True):
            tokens.setdefault(token, set()).add(account)
    held = QuietHold.objects.filter(token__in=list(tokens), released_at=None, case__is_closed=False)
    found: dict[str, set[str]] = {account: set() for account in accounts}
    for found_token, blocks in held.values_list("token", "blocks"):
        for account in tokens[bytes(found_token)]:
            found[account].update(blocks)
    return {account: frozenset(acts) for account, acts in found.items()}
