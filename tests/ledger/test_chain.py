"""The arithmetic of one stream, without a database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from cases.ledger.chain import EVENT, GENESIS, HASHED, HEAD, Chain, Link, link_hash

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def links(count):
    made, before = [], GENESIS
    for seq in range(1, count + 1):
        link = Link(10 * seq, seq, AT + timedelta(seconds=seq), before, b"", f'{{"n":{seq}}}')
        before = link_hash(link, before)
        made.append(replace(link, hash=before))
    return made


def faults(given, head=None):
    chain = Chain()
    found = [fault for link in given for fault in chain.add(link)]
    head = head or (4, links(4)[-1].hash)
    return [(fault.part, fault.seq, fault.column) for fault in (*found, *chain.finish(*head))]


def test_hash_covers_every_column_in_its_order():
    link = links(1)[0]
    recorded = int(AT.timestamp()) * 10**6 + 10**6
    text = (
        b"\0" + bytes(32) + (1).to_bytes(8, "big") + (10).to_bytes(8, "big") + recorded.to_bytes(8, "big") + b'{"n":1}'
    )

    assert link.hash == sha256(text).digest()


def test_untouched_stream_has_no_fault():
    assert faults(links(4)) == []


@pytest.mark.parametrize("seq", [1, 2, 4])
@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"body": "{}"}, HASHED),
        ({"id": 7}, HASHED),
        ({"recorded_at": AT}, HASHED),
        ({"hash": bytes(32)}, "hash"),
        ({"prev": b"x" * 32}, "prev"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_changed_column_is_named_once(seq, change, column):
    given = links(4)
    given[seq - 1] = replace(given[seq - 1], **change)

    assert faults(given) == [(EVENT, seq, column)]


@pytest.mark.parametrize("seq", [1, 2, 3])
def test_missing_event_is_named(seq):
    given = links(4)
    del given[seq - 1]

    assert faults(given) == [(EVENT, seq, "seq")]


def test_end_of_stream_is_held_against_its_head():
    given, last = links(4), links(4)[-1]

    assert faults(given[:3]) == [(EVENT, 4, "seq")]
    assert faults(given, head=(None, None)) == [(HEAD, 4, "stream")]
    assert faults(given, head=(5, last.hash)) == [(HEAD, 4, "seq")]
    assert faults(given, head=(4, bytes(32))) == [(HEAD, 4, "hash")]
    assert faults(links(5)) == [(EVENT, 5, "seq")]
