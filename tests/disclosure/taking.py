"""Tables as they are taken out for a request, and requests about which they say something."""

import csv
import io
from datetime import timedelta


def table(*rows):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("item", "address", "at", "to"), *rows])
    return text.getvalue().encode()


def calls(start, count, *, every=timedelta(minutes=10), to="+447700900111"):
    """Return so many outgoing calls of the asked number, one after the other."""
    return [
        ("outgoing_calls", "+447700900789", f"{start + every * place:%Y-%m-%dT%H:%M:%SZ}", to) for place in range(count)
    ]
