"""Load on a running office: opens, investigates and approves referrals one after the other, and prints what was kept.

Run as `python -m tests.faults.load NUMBER FIRST [SECONDS APART]` in the environment of the office. Whatever the
database does to it, it goes on; a line `kept UID TIME` is printed only once the approval was committed.
"""

import os
import sys
import time

import django


def main(number: int, first: int, apart: float = 0) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    django.setup()
    from django.db import InterfaceError, OperationalError, connection

    from tests.faults.referrals import approve_one, office

    made, people = 0, None
    for attempt in range(first, first + 20 * number):
        try:
            people = people or office()
            uid = approve_one(people, attempt)
        except (OperationalError, InterfaceError):
            connection.close()
            time.sleep(0.2)
            continue
        print("kept", uid, time.time(), flush=True)
        time.sleep(apart)
        made += 1
        if made == number:
            return


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *map(float, sys.argv[3:]))
