"""Checks a password. A person whose access ended is as unknown to it as one who never was."""

from __future__ import annotations

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.base_user import AbstractBaseUser

__all__ = ["PasswordBackend"]


class PasswordBackend(AuthenticationBackend):
    """allauth remembers a right password of a disabled person to show another page; we show the same one."""

    @classmethod
    def _stash_user(cls, user: AbstractBaseUser | None) -> None:
        return None
