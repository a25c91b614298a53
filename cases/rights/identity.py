"""Whether it is known that it is the person who asks: of whom that was recorded, and whether it is still they."""

from __future__ import annotations

import hashlib

from cases.kernel.models import Case, CaseAddress, CaseParty
from cases.kernel.parties import ADDRESS_FIELDS, PERSON_FIELDS

__all__ = ["is_known", "of_person"]


def of_person(case: Case) -> str:
    """Return a hash of what a request says of the person, and of whom they are joined with. Two queries; opens nothing:
    equal words of one place are sealed to equal bytes."""
    people = CaseParty.objects.filter(case=case, role="person", is_detached=False).order_by("number")
    homes = CaseAddress.objects.filter(party__in=people, is_detached=False).order_by("pk")
    digest = hashlib.sha256()
    for row, fields in (*((row, PERSON_FIELDS) for row in people), *((row, ADDRESS_FIELDS) for row in homes)):
        digest.update(f"{row.uid} {getattr(row, 'party_id', None)}".encode())
        for name in fields:
            value = getattr(row, name)
            digest.update(b"\0" if value is None else hashlib.sha256(value.ciphertext).digest())
    return digest.hexdigest()


def is_known(case: Case) -> bool:
    """Say whether it was recorded that it is the person, and nothing that the request says of them changed since: who
    is corrected or joined afterwards may be somebody else. Of whom it was recorded before that was kept, nothing is
    known to have changed. Two queries where it was recorded."""
    facts = case.rights_request
    return facts.identity_at is not None and facts.identity_of in ("", of_person(case))
