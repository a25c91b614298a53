"""The composition of the running system: settings, processes, addresses. It holds no rule about cases."""

from backoffice.celery import app as celery_app

__all__ = ["celery_app"]
