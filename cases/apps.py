"""Composition at start: the catalogue, the policy table, the doorbells. Nothing is decided here."""

from django.apps import AppConfig


class CasesConfig(AppConfig):
    """The one app."""

    name = "cases"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Install case types and office changes, freeze the policy table, hang up the doorbells; models are loaded."""
        from functools import partial

        from django.conf import settings
        from django.core.checks import Tags, register
        from django.core.exceptions import ImproperlyConfigured

        from cases import tasks
        from cases.agencies import inbound
        from cases.catalogue import CASE_TYPES, OFFICE_CHANGES
        from cases.doorbell import nudge
        from cases.kernel import casetypes, outbox, policy
        from cases.kernel.background import jobs
        from cases.kernel.evidence import scanning, store
        from cases.kernel.office import proposals
        from cases.kernel.oncall import alerts
        from cases.ledger import checks
        from cases.ledger.guards import guards_are_enabled

        for check in (guards_are_enabled, checks.role_cannot_alter, checks.keys_are_here, checks.clocks_agree):
            register(check, Tags.database, deploy=True)
        if settings.EVIDENCE_S3:
            from cases.agencies import objectstore

            bucket = objectstore.Bucket(**settings.EVIDENCE_S3)
            if fault := objectstore.faults(bucket):
                raise ImproperlyConfigured(fault)
            store.install(objectstore.CODE, partial(objectstore.ObjectStore, bucket))
        casetypes.install(CASE_TYPES)
        proposals.install(OFFICE_CHANGES)
        policy.install(CASE_TYPES, proposals.rules())
        outbox.install_doorbell(partial(nudge, tasks.deliver_outbox))
        inbound.install_doorbell(partial(nudge, tasks.apply_callbacks))
        jobs.install_doorbell(partial(nudge, tasks.run_jobs))
        scanning.install_doorbell(partial(nudge, tasks.scan_documents))
        alerts.install_doorbell(partial(nudge, tasks.ring_on_call))
