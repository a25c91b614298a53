"""The letter to whoever was impersonated or taken over (N11): to the living, in their own name, once."""

from __future__ import annotations

from datetime import datetime

from cases.fraud import codes, expiry
from cases.kernel import tasks
from cases.kernel.exchange import letters
from cases.kernel.models import Case, Letter, Task

__all__ = ["TASKS", "write"]

TASKS = {"fraud_dead_victim": "A dead person was impersonated: write by hand to who looks after their estate"}


def write(case: Case, *, at: datetime) -> None:
    """Ask for the letter to every innocent person not written to yet, inside the current ledger action, unless that
    would prejudice an investigation; a letter that waits to tell somebody so who is not is taken back. Where a
    dead person was impersonated nothing is posted to the name and address the case holds: who works on the case finds
    out who looks after the estate and writes to them."""
    theirs = Letter.objects.filter(case=case, template="n11").exclude(state="withdrawn")
    for letter in theirs.filter(state="due", party__is_innocent=False):
        letter.state = "withdrawn"
        letter.save(update_fields=["state"])
    if case.fraud_referral.prejudice_recorded:
        return
    innocent = expiry.of_the_filing(case, at=at).filter(is_innocent=True)
    for party in innocent.exclude(pk__in=theirs.values("party_id")):
        if codes.DEAD not in case.fraud_referral.reasons:
            letters.request(case, party, template="n11", at=at)
        elif not Task.objects.filter(case=case, kind="fraud_dead_victim", detail__person=party.number).exists():
            tasks.raise_task("fraud_dead_victim", case=case, at=at, person=party.number)
