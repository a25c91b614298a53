"""The WSGI entry point that gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

from backoffice.logs import noting_path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")

application = noting_path(get_wsgi_application())

from cases.ledger import checks, tombstones  # noqa: E402 -- they need the apps, which the line above loads

checks.require_keys()  # a process that could open nothing must not start
tombstones.require()  # nor one that could open what was erased
