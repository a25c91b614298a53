"""An authenticator app for tests: real codes from a real seed."""

import base64
import hashlib
import hmac
import struct


def code(seed: str, at: float) -> str:
    """Return the six digits of RFC 6238 for base32 `seed` at Unix time `at`."""
    digest = hmac.digest(base64.b32decode(seed), struct.pack(">Q", int(at) // 30), hashlib.sha1)
    offset = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"
