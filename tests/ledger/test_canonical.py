"""Canonical JSON equals RFC 8785, written here a second time from the standard."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from cases.ledger.canonical import NotCanonical, canon, commitment, microseconds, timestamp

SHORT_ESCAPES = {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\"}


def reference_text(value):
    """RFC 8785 section 3.2 for the values the ledger allows."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return '"' + "".join(_escaped(character) for character in value) + '"'
    if isinstance(value, list):
        return "[" + ",".join(map(reference_text, value)) + "]"
    names = sorted(value, key=lambda name: name.encode("utf-16-be"))
    return "{" + ",".join(f"{reference_text(name)}:{reference_text(value[name])}" for name in names) + "}"


def _escaped(character):
    code = ord(character)
    if code in SHORT_ESCAPES:
        return SHORT_ESCAPES[code]
    return f"\\u{code:04x}" if code < 0x20 else character


texts = some.text(some.characters(exclude_categories=["Cs"]))
names = some.text(some.characters(max_codepoint=127))
scalars = some.none() | some.booleans() | some.integers(-(2**53) + 1, 2**53 - 1) | texts
values = some.recursive(scalars, lambda inner: some.lists(inner) | some.dictionaries(names, inner), max_leaves=30)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(values)
def test_canonical_json_equals_the_reference(value):
    assert canon(value) == reference_text(value).encode("utf-8")


def test_canonical_json_of_the_standards_own_string():
    """RFC 8785 section 3.2.2, its string: euro sign, dollar, control, newline, A, apostrophe, B, quote, backslashes."""
    value = {"string": '\u20ac$\u000f\nA\'B"\\\\"/', "literals": [None, True, False]}

    assert canon(value) == '{"literals":[null,true,false],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'.encode()


@pytest.mark.parametrize(
    "value",
    [1.0, float("nan"), {1: "a"}, {"é": 1}, 2**53, -(2**53), datetime(2026, 3, 2), {"a"}, object],
    ids=repr,
)
def test_value_without_one_text_is_refused(value):
    with pytest.raises(NotCanonical):
        canon([value])


def test_other_values_have_one_text_each():
    value = {
        "at": datetime(2026, 3, 2, 10, 30, 0, 7, tzinfo=timezone(timedelta(hours=1))),
        "date": date(2026, 3, 2),
        "money": Decimal("12.50"),
        "uid": UUID(int=1),
        "bytes": b"abc",
    }

    assert canon(value) == (
        b'{"at":"2026-03-02T09:30:00.000007Z","bytes":"ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0",'
        b'"date":"2026-03-02","money":"12.50","uid":"00000000-0000-0000-0000-000000000001"}'
    )


def test_commitment_is_unpadded_base64url_of_sha256():
    assert commitment(b"") == "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"


@given(some.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=some.just(UTC)))
def test_times_lose_nothing(moment):
    assert datetime.fromisoformat(timestamp(moment)) == moment
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds(moment)) == moment
