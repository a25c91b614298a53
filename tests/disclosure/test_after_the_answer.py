"""Around an answer: its bytes, whose it is, who is rung for it, a number that is used twice, and what ends late."""

import base64
import hashlib
from datetime import UTC, datetime

import pytest

from cases.kernel import transitions
from cases.kernel.errors import CaseError
from cases.kernel.models import Case
from tests import disclosures, factories
from tests.disclosure.test_requests import told
from tests.disclosures import AT, CHECKED, COMPARED, after
from tests.kernel.snapshots import nothing_written

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    made = factories.office()
    disclosures.enter(made)
    return made


def facts(case):
    return Case.objects.get(pk=case.pk).disclosure_request


def refusal(case, name, actor, at=AT, **inputs):
    with nothing_written(counted=1), pytest.raises(CaseError) as refused:
        transitions.apply(case.pk, name, actor=actor, at=at, inputs=inputs)
    return str(refused.value)


def named(people, *holders, data=disclosures.NAMES, subject="", **changes):
    """A request for the subscriber's name, with who held the number and one file."""
    case = disclosures.taken_out(people, items=["subscriber_name"], **changes)
    disclosures.say_why(case, "subscriber_name", people)
    for letter, since, until in holders or [("A", datetime(2025, 3, 1, tzinfo=UTC), None)]:
        disclosures.held_by(case, letter, since, until, people)
    disclosures.add(case, "subscriber_name", data, people, subject=subject)
    return case


# --- the bytes ------------------------------------------------------------------------------------------------------
def test_the_authority_gets_the_very_bytes_of_which_the_manifest_has_the_hash(people):
    case = named(people, data=b"\xef\xbb\xbf" + disclosures.NAMES)
    disclosures.add(case, "subscriber_name", "Zoë Marchbanks".encode("cp1252"), people, media_type="text/plain")
    disclosures.add(case, "subscriber_name", "Zoë\r\nMarchbanks".encode(), people, media_type="text/plain")
    after(case, "submit", people["k.mistry"], checked=CHECKED)
    after(case, "release", people["e.hallam"], compared=COMPARED)
    (said,) = [said for kind, said in told(case) if kind == "le_result"]
    files = said["data"]["subscriber_name"]
    assert [each["encoding"] for each in files] == ["base64", "base64", "text"]
    opened = {"base64": base64.b64decode, "text": str.encode}
    hashes = [hashlib.sha256(opened[each["encoding"]](each["content"])).hexdigest() for each in files]
    assert hashes == [part["sha256"] for part in said["manifest"]["parts"]]
