"""Addresses of sign-in. Only what is used is mounted: no sign-up, no e-mail, no reset, no code by mail."""

from __future__ import annotations

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from allauth.socialaccount import views as social
from allauth.socialaccount.providers.openid_connect.urls import urlpatterns as oidc_urls
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.urls import URLPattern, URLResolver, path
from django.views.generic import RedirectView

from cases.web import stepup
from cases.web.administration import people
from cases.web.signin import views

_to_sign_in = login_not_required(RedirectView.as_view(pattern_name="account_login"))

urlpatterns: list[URLPattern | URLResolver] = [
    path("sign-in/", views.SignInView.as_view(), name="account_login"),
    path("sign-in/key/", login_not_required(webauthn.login_webauthn), name="mfa_login_webauthn"),
    path("sign-in/code/", mfa.authenticate, name="mfa_authenticate"),
    path("sign-in/demo/<str:username>/", views.demo_sign_in, name="demo_sign_in"),
    path("sign-in/inactive/", _to_sign_in, name="account_inactive"),
    path("welcome/<str:token>/", views.welcome, name="welcome"),
    path("sign-out/", login_not_required(account.logout), name="account_logout"),
    path("step-up/", stepup.step_up, name="step_up"),
    path("step-up/resume/", stepup.resume, name="step_up_resume"),
    path("account/", mfa.index, name="mfa_index"),
    path("account/password/", views.ChangePasswordView.as_view(), name="account_change_password"),
    path("account/confirm/", account.reauthenticate, name="account_reauthenticate"),
    path("account/app/", views.SetUpAppView.as_view(), name="mfa_activate_totp"),
    path("account/app/code.svg", views.qr, name="mfa_totp_qr"),
    path("account/app/remove/", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path("account/keys/", webauthn.list_webauthn, name="mfa_list_webauthn"),
    path("account/keys/add/", views.AddKeyView.as_view(), name="mfa_add_webauthn"),
    path("account/keys/<int:pk>/remove/", views.RemoveKeyView.as_view(), name="mfa_remove_webauthn"),
    path("account/keys/<int:pk>/name/", webauthn.edit_webauthn, name="mfa_edit_webauthn"),
    path("account/recovery-codes/", recovery_codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("account/recovery-codes/new/", recovery_codes.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("account/sessions/", views.SessionsView.as_view(), name="usersessions_list"),
    *people.urlpatterns,
]

if settings.OIDC_ENABLED:
    urlpatterns += [
        path(
            "sign-in/company/cancelled/",
            login_not_required(social.login_cancelled),
            name="socialaccount_login_cancelled",
        ),
        path("sign-in/company/error/", login_not_required(social.login_error), name="socialaccount_login_error"),
        path("sign-in/company/unknown/", _to_sign_in, name="socialaccount_signup"),
        path("account/company/", views.CompanyView.as_view(), name="socialaccount_connections"),
        *oidc_urls,
    ]
