"""Forms of sign-in: allauth's with our seals and notes, and the one that follows a one-time link."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from allauth.account.forms import LoginForm
from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm as AllauthAuthenticateForm
from allauth.mfa.base.forms import ReauthenticateForm
from allauth.mfa.base.internal.flows import check_rate_limit
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm as AllauthActivateTOTPForm
from allauth.mfa.totp.internal.auth import generate_totp_secret
from allauth.mfa.webauthn.forms import AddWebAuthnForm, LoginWebAuthnForm, ReauthenticateWebAuthnForm
from allauth.mfa.webauthn.forms import AuthenticateWebAuthnForm as AllauthAuthenticateWebAuthnForm
from django import forms
from django.contrib.auth import password_validation
from django.contrib.auth.validators import ASCIIUsernameValidator
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone

from cases.kernel.models import User
from cases.ledger import security
from cases.web.signin import appcodes
from cases.web.signin.secrets import SecretUnreadable, open_secret, seal_secret

__all__ = [
    "ActivateTOTPForm",
    "AddKeyForm",
    "AuthenticateForm",
    "AuthenticateWebAuthnForm",
    "PasskeyForm",
    "SetUpForm",
    "SignInForm",
    "StepUpForm",
    "StepUpKeyForm",
]

PENDING = "totp_pending"
SET_UP_SECONDS = 1800
# What the parsing of a credential raises when parts of it are missing or damaged.
MALFORMED = (AttributeError, LookupError, TypeError, ValueError, struct.error)


def refused(kind: str, user: User | None, factor: str) -> None:
    """Note a factor that was not right; nobody's, while it is not known whose it claims to be."""
    security.note(kind, actor=f"staff:{user.pk}" if user else "", at=timezone.now(), act=factor)


def pending_secret(request: HttpRequest) -> str:
    """Return the seed being set up in this session, or nothing."""
    try:
        return open_secret(request.session.get(PENDING, ""), ttl=SET_UP_SECONDS)
    except SecretUnreadable:
        return ""


class SignInForm(LoginForm):
    """User name and password, in the words of the rest of the site."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = "User name"
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)


class ActivateTOTPForm(AllauthActivateTOTPForm):
    """Sets up an authenticator app. The seed waits in the session sealed, never in clear."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.user = kwargs.pop("user")
        forms.Form.__init__(self, *args, **kwargs)
        request = context.request
        self.secret = pending_secret(request) if self.is_bound else ""
        if not self.secret:
            self.secret = generate_totp_secret()
            request.session[PENDING] = seal_secret(self.secret)


class AuthenticateForm(AllauthAuthenticateForm):
    """The code at sign-in: of the authenticator app, or a recovery code."""

    def clean_code(self) -> str:
        forgive, code = check_rate_limit(self.user), str(self.cleaned_data["code"])
        kinds = (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)
        known = {each.type: each for each in Authenticator.objects.filter(user=self.user, type__in=kinds)}
        factors = [known[kind] for kind in kinds if kind in known]
        for factor in factors:
            if appcodes.is_right(factor, code):
                factor.user = self.user
                self.authenticator = factor
                forgive()
                return code
        if factors:
            self._emit_authentication_failed(factors[0])
        raise get_adapter().validation_error("incorrect_code")

    def _emit_authentication_failed(self, authenticator: Authenticator) -> None:
        refused("sign_in_refused", self.user, authenticator.type)
        super()._emit_authentication_failed(authenticator)


class _Credential:
    """Treats a credential with parts missing as a wrong one, and notes each wrong one."""

    kind = "sign_in_refused"
    user: User | None

    def clean_credential(self) -> Authenticator:
        try:
            return _parsed(super().clean_credential)  # type: ignore[misc]  # -- a mixin of allauth's forms
        except ValidationError:
            refused(self.kind, self.user, Authenticator.Type.WEBAUTHN)
            raise


def _parsed(clean: Callable[[], Any]) -> Any:
    try:
        return clean()
    except MALFORMED as error:
        raise get_adapter().validation_error("incorrect_code") from error


class AuthenticateWebAuthnForm(_Credential, AllauthAuthenticateWebAuthnForm):
    """The security key at sign-in."""


class PasskeyForm(_Credential, LoginWebAuthnForm):
    """A passkey in place of name, password and code."""


class StepUpKeyForm(_Credential, ReauthenticateWebAuthnForm):
    """The security key that confirms a grave act."""

    kind = "step_up_refused"


class AddKeyForm(AddWebAuthnForm):
    """Adds a security key."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = _parsed(super().clean)
        return cleaned


class StepUpForm(ReauthenticateForm):
    """The code that confirms a grave act: of the authenticator app alone, since a recovery code proves less."""

    def clean_code(self) -> str:
        forgive = check_rate_limit(self.user)
        code: str = self.cleaned_data["code"]
        app = Authenticator.objects.filter(user=self.user, type=Authenticator.Type.TOTP).first()
        if app is None or not appcodes.is_right(app, code):
            refused("step_up_refused", self.user, Authenticator.Type.TOTP)
            raise get_adapter().validation_error("incorrect_code")
        app.user = self.user
        self.authenticator = app
        forgive()
        return code


class SetUpForm(forms.Form):
    """A new person's own user name and password, taken through a one-time link."""

    username = forms.CharField(
        label="User name",
        max_length=60,
        validators=[ASCIIUsernameValidator()],
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        help_text="At least 15 characters. Three or four words that do not belong together make a good one.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label="The same password again",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        password = cleaned.get("password")
        if password and password != cleaned.get("again"):
            self.add_error("again", "The two passwords are not the same.")
        elif password:
            named = User(username=cleaned.get("username", ""), display_name=self.user.display_name)
            self._validate(password, named)
        return cleaned

    def _validate(self, password: str, named: User) -> None:
        try:
            password_validation.validate_password(password, named)
        except ValidationError as error:
            self.add_error("password", error)
