"""A keyed hash of which key and beginning are kept is the HMAC of RFC 2104, whatever the key is."""

import hmac

import pytest

from cases.ledger.keys import Mac


@pytest.mark.parametrize("size", [0, 1, 32, 63, 64, 65, 131])
def test_a_kept_beginning_changes_no_hash(size):
    key = bytes(range(size))
    mac = Mac(key, b"purpose\0")
    for text in (b"", b"x", b"y" * 64, "Oyelaran-Pugh é".encode() * 9, b"x"):
        assert mac.digest(text) == hmac.digest(key, b"purpose\0" + text, "sha256")


def test_the_published_answer_is_given():
    """RFC 4231, test case 2."""
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert Mac(b"Jefe", b"what do ya ").digest(b"want for nothing?").hex() == expected
