"""Composition at start: nothing is decided here."""

from django.apps import AppConfig


class CasesConfig(AppConfig):
    """The one app."""

    name = "cases"
    default_auto_field = "django.db.models.BigAutoField"
