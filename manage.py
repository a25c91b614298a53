#!/usr/bin/env python3
"""Commands of the back office. `up` runs before Django: it makes what the settings read."""

import os
import sys


def main() -> int:
    """Run the command line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    from django.core.exceptions import ImproperlyConfigured

    from backoffice import stack

    try:
        if sys.argv[1:2] == ["up"] and not {"-h", "--help"} & set(sys.argv):
            return stack.main(sys.argv[2:])
        from django.core.management import execute_from_command_line

        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as refusal:
        print(f"backoffice: {refusal}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
