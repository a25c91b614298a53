"""The ASGI entry point, for servers that speak it."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")

application = get_asgi_application()

from cases.ledger import checks  # noqa: E402 -- it needs the apps, which the line above loads

checks.require_keys()  # a process that could open nothing must not start
