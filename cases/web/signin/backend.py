"""Checks a password. A person whose access ended is as unknown to it as one who never was."""

from __future__ import annotations

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.base_user import AbstractBaseUser

from cases.kernel.models import User
from cases.kernel.prepared import Prepared

__all__ = ["PasswordBackend"]


class PasswordBackend(AuthenticationBackend):
    """allauth remembers a right password of a disabled person to show another page; we show the same one."""

    @classmethod
    def _stash_user(cls, user: AbstractBaseUser | None) -> None:
        return None

    def get_user(self, user_id: int) -> User | None:
        """Return the person of a session, by a query that is prepared: every page asks it."""
        found: list[User] = _PERSON.objects(pk=user_id)
        return found[0] if found and self.user_can_authenticate(found[0]) else None


_PERSON = Prepared(lambda pk: User.objects.filter(pk=pk), pk=-(10**15) - 1)
