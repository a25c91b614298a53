#!/usr/bin/env python3
"""Commands of the back office. `up` runs before Django: it makes what the settings read."""

import os
import sys


def main() -> int:
    """Run the command line. A wrong setting or an absent database is one sentence, not a stack of calls."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    from backoffice import stack

    try:
        if sys.argv[1:2] == ["up"]:
            return stack.main(sys.argv[2:])
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as refusal:
        print(f"backoffice: {refusal}", file=sys.stderr)
        return 2
    except OperationalError as error:
        if "connection" not in str(error):
            raise
        print(f"backoffice: the database does not answer; does `make run` run? {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
