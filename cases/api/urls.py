"""Addresses of the API, under /api/v1/."""

from django.urls import path

from cases.api import reader
from cases.api.views import AccountsIntake, AgencyCallback, Intake, PolicyHold

urlpatterns = [
    path("agencies/<slug:code>/callbacks/", AgencyCallback.as_view(), name="agency_callback"),
    path("intake/accounts/", AccountsIntake.as_view(), name="accounts_intake"),
    path("intake/<slug:path>/", Intake.as_view(), name="intake"),
    path("policy-holds/", PolicyHold.as_view(), name="policy_hold"),
    path("schema/", reader.SchemaView.as_view(), name="api_schema"),
    path("docs/", reader.docs, name="api_docs"),
]
