"""Composition at start: the catalogue and the policy table are assembled. Nothing is decided here."""

from django.apps import AppConfig


class CasesConfig(AppConfig):
    """The one app."""

    name = "cases"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Install the case types and freeze the policy table, once models are loaded."""
        from cases.catalogue import CASE_TYPES
        from cases.kernel import casetypes, policy

        casetypes.install(CASE_TYPES)
        policy.install(CASE_TYPES)
