"""Codes of authenticator apps: the one that is shown, and the one before for whoever typed it at its end; each once."""

from __future__ import annotations

import time

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from allauth.mfa.utils import decrypt
from django.core.cache import cache

__all__ = ["is_right", "mark_used"]

STEPS_BACK = 1


def is_right(factor: Authenticator, code: str) -> bool:
    """Say whether a code proves a factor, and have it prove nothing more. What is no app decides for itself."""
    if factor.type != Authenticator.Type.TOTP:
        return bool(factor.wrap().validate_code(code))
    secret, now = decrypt(factor.data["secret"]), int(time.time()) // app_settings.TOTP_PERIOD
    shown = [format_hotp_value(hotp_value(secret, now - back)) for back in range(STEPS_BACK + 1)]
    return any([compare_user_code(actual=code, expected=each) for each in shown]) and mark_used(factor, code)


def mark_used(app: Authenticator, code: str) -> bool:
    """Note that a code of an app was used, for as long as it would be taken. False if it was used before."""
    seconds = (STEPS_BACK + 1) * app_settings.TOTP_PERIOD
    return bool(cache.add(TOTP(app)._get_used_cache_key(code), "y", timeout=seconds))
