"""What counts as JSON here."""

import pytest

from cases.agencies import strict_json
from cases.agencies.strict_json import Unreadable


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "not_json"),
        (b"{", "not_json"),
        (b"{} {}", "not_json"),
        (b"{'a':1}", "not_json"),
        (b"\xef\xbb\xbf{}", "not_json"),
        (b'{"a":"\xff"}', "not_utf8"),
        ('{"a":1}'.encode("utf-16"), "not_utf8"),
        (b'{"a":1,"a":2}', "duplicate_key"),
        (b'{"x":{"a":1,"\\u0061":2}}', "duplicate_key"),
        (b'{"a":NaN}', "not_finite"),
        (b'{"a":Infinity}', "not_finite"),
        (b'{"a":-Infinity}', "not_finite"),
        (b'{"a":1e999}', "not_finite"),
        (b'{"a":' + b"9" * 19 + b"}", "number_too_long"),
        (b'{"a":' + b"9" * 6000 + b"}", "number_too_long"),
        (b'{"a":"\\u0000"}', "forbidden_character"),
        (b'{"\\u0000":1}', "forbidden_character"),
        (b'{"a":"\\ud800"}', "forbidden_character"),
        (b"[" * 21 + b"]" * 21, "too_deep"),
        (b'{"a":' * 21 + b"1" + b"}" * 21, "too_deep"),
        (b"[" * 60000, "too_deep"),
        (b'"' + b'\\"' * 130000, "not_json"),
    ],
)
def test_refuses(raw, code):
    with pytest.raises(Unreadable) as refusal:
        strict_json.parse(raw)

    assert refusal.value.code == code


def test_brackets_within_text_are_not_depth():
    assert strict_json.parse(b'{"a":"' + b"[" * 100 + b'\\"[["}') == {"a": "[" * 100 + '"[['}


def test_twenty_levels_are_read():
    assert strict_json.parse(b"[" * 20 + b"]" * 20) is not None


def test_text_is_normalised():
    assert strict_json.parse('{"name":"Zoe\u0308"}'.encode()) == {"name": "Zo\u00eb"}
