"""How allauth works here: no self-signup, one answer to every wrong sign-in, secrets sealed, every result noted."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from cases.ledger import sealing, security
from cases.ledger.models import SecurityEvent
from cases.web.signin import factors, kept
from cases.web.signin.secrets import open_secret, seal_secret

__all__ = ["AccountAdapter", "MFAAdapter", "SocialAdapter"]

# What allauth would write an e-mail about and our own pages do not note themselves: kind of event and factor.
NOTED = {
    "mfa/email/totp_deactivated": ("factor_removed", "totp"),
    "mfa/email/recovery_codes_generated": ("recovery_codes_made", ""),
    "socialaccount/email/account_connected": ("company_sign_in_connected", ""),
    "socialaccount/email/account_disconnected": ("company_sign_in_disconnected", ""),
}
INTERNAL_ADDRESS = "127.0.0.1"  # a request over the unix socket of our own proxy has no address


class AccountAdapter(DefaultAccountAdapter):
    """Password sign-in. Unknown person, wrong password and ended access get the same answer."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": "The user name or the password is not right.",
        "too_many_login_attempts": "There were too many attempts. Wait five minutes and try again.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        security.note("sign_in_refused", actor="", at=timezone.now(), act="password")

    def post_login(self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> HttpResponse:
        response = super().post_login(request, user, **kwargs)
        records = get_authentication_records(request, user)
        used = [record.get("type") or record["method"] for record in records]
        _note_sign_in(user, "+".join(used), request.headers.get("user-agent", ""))
        return redirect("step_up_resume") if kept.belongs_to(request, user.pk) else response

    def add_message(
        self, request: HttpRequest, level: int, message_template: str = "", *args: Any, **kwargs: Any
    ) -> None:
        """Say nothing about having signed in or out; the page itself shows it."""
        if message_template not in {"account/messages/logged_in.txt", "account/messages/logged_out.txt"}:
            super().add_message(request, level, message_template, *args, **kwargs)

    def get_client_ip(self, request: HttpRequest) -> str:
        if not request.META.get("REMOTE_ADDR") and "x-forwarded-for" not in request.headers:
            return INTERNAL_ADDRESS
        return str(super().get_client_ip(request))

    def send_notification_mail(
        self, template_prefix: str, user: Any, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        """Note what changed in somebody's sign-in, so that they are told; write the e-mail where there is a server."""
        if template_prefix in NOTED:
            kind, factor = NOTED[template_prefix]
            security.note(kind, actor=f"staff:{user.pk}", at=timezone.now(), act=factor)
        super().send_notification_mail(template_prefix, user, context, email)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        if email and settings.EMAIL_HOST:
            super().send_mail(template_prefix, email, context)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Whoever has just signed in and still has no second factor need not say the password twice."""
        request = self.request
        if not factors.has_second_factor(request.user) and factors.signed_in_recently(request):
            return False
        return bool(super().is_reauthentication_required(app=app, **kwargs))

    def get_reauthentication_methods(self, user: AbstractBaseUser | AnonymousUser) -> list[dict[str, Any]]:
        """Ask for the second factor of those who have one, for the password of those who are setting one up."""
        if not user.is_authenticated:
            return []
        if factors.has_second_factor(user) or not user.has_usable_password():
            return [{"id": "step_up", "description": "Confirm with your second factor", "url": reverse("step_up")}]
        return [{"id": "reauthenticate", "description": "Use your password", "url": reverse("account_reauthenticate")}]


def _note_sign_in(user: AbstractBaseUser, used: str, browser: str) -> None:
    """Note a sign-in, and before it that the browser is new where others of this person are known."""
    actor, now = f"staff:{user.pk}", timezone.now()
    token = sealing.keyed_hash("browser", browser).hex()[:16]
    known = SecurityEvent.objects.filter(kind="sign_in", actor=actor, detail__has_key="browser")
    if known.exists() and not known.filter(detail__browser=token).exists():
        security.note("new_browser", actor=actor, at=now, browser=token)
    security.note("sign_in", actor=actor, at=now, act=used, browser=token)


class MFAAdapter(DefaultMFAAdapter):
    """The second factor. What the database keeps of it opens only with a key that is not in the database."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "The code is not right, or was used already. Wait for the next one and try again.",
        "cannot_delete_authenticator": "This is your only second factor. Add another one first.",
    }

    def encrypt(self, text: str) -> str:
        return seal_secret(text)

    def decrypt(self, encrypted_text: str) -> str:
        return open_secret(encrypted_text)

    def get_totp_label(self, user: AbstractBaseUser) -> str:
        return str(user.get_username())

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        return factors.others(authenticator).exists()

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:
        count = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return f"Key {count + 1}"


class SocialAdapter(DefaultSocialAccountAdapter):
    """Company sign-in by OpenID Connect: issuer and subject name the person, an e-mail address never does."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False

    def can_authenticate_by_email(self, login: Any, email: str) -> bool:
        return False

    def is_email_verified(self, provider: Any, email: str) -> bool:
        return False
