"""manage.py documents: whose documents lie in each store; make a store that of this database after a restore."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand

from cases.kernel.evidence import custody, store

WORDS = {
    "ours": "of this database",
    "another": "of another database: nothing is removed there",
    "away": "cannot be reached",
}


class Command(BaseCommand):
    """Nothing is removed from the store of another database: a newer copy of that may know of what this does not."""

    help = "Say whether the stored documents are those of this database; make them so once a restore is final."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """`--adopt` is for whoever restored, once no newer copy will be."""
        parser.add_argument("--adopt", action="store_true", help="they are this database's from now on")

    def handle(self, *_args: Any, adopt: bool, **_options: Any) -> None:
        """Write a line for each store."""
        if adopt:
            custody.adopt()
        for code in store.STORES:
            self.stdout.write(f"{code}: {WORDS[custody.how_is(code)]}")
