"""Holds of a restricted case on what others work on: placed and lifted inside its compartment, found by token alone.

Whoever asks learns that a policy hold stops the act, and nothing else; the row of what is held is never touched.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from cases.kernel.finding import terms
from cases.kernel.models import Case, QuietHold
from cases.ledger import keys, sealing
from cases.ledger.prepared import Statement

__all__ = ["account_token", "blocked", "blocked_each", "case_token", "holding", "lift", "named", "place"]

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
    """Return every act that some hold of an open case blocks on a case, an account or one of several cases. One query;
    tokens made under earlier index keys count."""
    cases = [*([case_uid] if case_uid else []), *case_uids]
    tokens = [token for uid in cases for token in sealing.kept_hashes(CASE, str(uid))]
    if account:
        forms = dict.fromkeys((terms.account(account), _as_before(account)))
        tokens = [*tokens, *(token for form in forms for token in sealing.kept_hashes(ACCOUNT, form))]
    return frozenset(act for (blocks,) in _BLOCKED.rows([tokens]) for act in json.loads(blocks))


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


# Asked of every move of every case, by everybody who may make it.
_BLOCKED = Statement(
    f"SELECT held.blocks FROM {QuietHold._meta.db_table} held JOIN {Case._meta.db_table} own ON own.id = held.case_id"
    " WHERE held.token = ANY(%s) AND held.released_at IS NULL AND NOT own.is_closed",
    ([],),
    (0,),
)


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
