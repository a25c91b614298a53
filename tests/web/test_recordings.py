"""A recording is played in the page, piece by piece: once on record, by one person, as what its own bytes say it is."""

import wave
from io import BytesIO

import pytest
from django.conf import settings
from django.core import signing
from django.urls import reverse

from cases.kernel.evidence import store
from cases.kernel.models import Evidence, StoredBlob, Task
from cases.ledger import streams
from cases.ledger.models import AccessEvent, LedgerEvent
from cases.web.onecase import recordings
from tests import factories, uploads
from tests.web import desk, test_previews

pytestmark = pytest.mark.django_db


def sound(seconds=10):
    """A recording of several chunks, none like another."""
    out = BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(b"".join(number.to_bytes(2, "little") for number in range(16_000)) * seconds)
    return out.getvalue()


@pytest.fixture
def case(people):
    return factories.investigating(people)


def attach(case, people, data, name="call.wav", media_type="audio/wav", verdict="clean"):
    return test_previews.attach(case, people, name, media_type, data, verdict=verdict)


def source(client, case, row):
    page = client.get(reverse("web:recording", args=[case.uid, row.number]))
    assert page.status_code == 200
    assert "media-src 'self'" in page["Content-Security-Policy"]
    return f"{reverse('web:play', args=[case.uid, row.number])}?viewing={page.context['viewing']}"


def played(case):
    return LedgerEvent.objects.filter(stream=case.uid, action="case.evidence_played").count()


def whole(answer):
    return b"".join(answer.streaming_content)


def test_a_recording_is_played_in_pieces_and_is_on_record_once(case, people):
    data, client = sound(), desk.client_of("a.byrne")
    row = attach(case, people, data)
    listed = client.get(reverse("web:documents", args=[case.uid])).content.decode()
    assert reverse("web:recording", args=[case.uid, row.number]) in listed
    assert "media-src" not in client.get(reverse("web:documents", args=[case.uid]))["Content-Security-Policy"]
    address = source(client, case, row)
    looked = AccessEvent.objects.count()

    answer = client.get(address)
    assert (answer.status_code, answer["Content-Type"], answer["Accept-Ranges"]) == (200, "audio/wav", "bytes")
    assert (answer["X-Content-Type-Options"], answer["Content-Security-Policy"]) == (
        "nosniff",
        "sandbox; default-src 'none'",
    )
    assert whole(answer) == data
    size = len(data)
    for asked, first, last in (
        ("bytes=0-", 0, size - 1),
        ("bytes=0-1", 0, 1),
        ("bytes=65530-65545", 65_530, 65_545),
        ("bytes=200000-", 200_000, size - 1),
        ("bytes=-500", size - 500, size - 1),
        (f"bytes=100-{size * 2}", 100, size - 1),
    ):
        answer = client.get(address, headers={"range": asked})
        assert (answer.status_code, answer["Content-Range"]) == (206, f"bytes {first}-{last}/{size}"), asked
        assert int(answer["Content-Length"]) == last - first + 1
        assert whole(answer) == data[first : last + 1]
    assert played(case) == 1
    assert AccessEvent.objects.count() > looked


def test_what_is_asked_for_to_the_end_comes_in_pieces_of_four_megabytes_until_all_of_it_has_come(case, people):
    data, client = sound(seconds=270), desk.client_of("a.byrne")
    size = len(data)
    assert 8_388_608 < size < 12_582_912
    address, got = source(client, case, attach(case, people, data)), b""
    for first, last in ((0, 4_194_303), (4_194_304, 8_388_607), (8_388_608, size - 1)):
        answer = client.get(address, headers={"range": f"bytes={first}-"})
        assert (answer.status_code, answer["Content-Range"]) == (206, f"bytes {first}-{last}/{size}")
        assert int(answer["Content-Length"]) == last - first + 1
        got += whole(answer)
    assert got == data
    assert played(case) == 1


def test_a_piece_reads_nothing_of_the_file_but_what_holds_it_and_that_proves_itself(case, people, monkeypatch):
    data, client = sound(seconds=60), desk.client_of("a.byrne")
    row = attach(case, people, data)
    address, size, chunk = source(client, case, row), len(data), streams.CHUNK_BYTES
    read = []
    real = streams._read_full
    monkeypatch.setattr(streams, "_read_full", lambda file: read.append(real(file)) or read[-1])
    for first, last in ((size - 500, size - 1), (chunk, 2 * chunk - 1), (0, 0), (chunk - 1, chunk)):
        read.clear()
        answer = client.get(address, headers={"range": f"bytes={first}-{last}"})
        assert whole(answer) == data[first : last + 1]
        assert len(read) == last // chunk - first // chunk + 1

    # One byte of the third chunk is altered: what lies elsewhere is played, what holds it never.
    path = store.FolderStore(settings.EVIDENCE_DIR)._path(row.blob.uid)
    sealed = bytearray(path.read_bytes())
    sealed[15 + 2 * (chunk + 16) + 9] ^= 1
    path.write_bytes(sealed)
    assert whole(client.get(address, headers={"range": "bytes=0-99"})) == data[:100]
    answer = client.get(address, headers={"range": f"bytes={2 * chunk}-{2 * chunk + 99}"})
    assert (answer.status_code, "not as it was taken in" in answer.content.decode()) == (409, True)
    assert Task.objects.filter(case=case, kind="document_damaged").count() == 1
    # Cut off after its second chunk, as if that had been the end.
    path.write_bytes(sealed[: 15 + 2 * (chunk + 16)])
    assert client.get(address, headers={"range": f"bytes={2 * chunk}-{2 * chunk + 9}"}).status_code == 409


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "bytes=-", "items=0-1", "bytes=x-y"])
def test_what_is_no_single_piece_gets_all_of_it(case, people, asked):
    row, client = attach(case, people, uploads.WAV), desk.client_of("a.byrne")
    answer = client.get(source(client, case, row), headers={"range": asked})
    assert (answer.status_code, whole(answer)) == (200, uploads.WAV)


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=9-2"])
def test_a_piece_that_is_not_there_is_refused_with_the_size(case, people, asked):
    row, client = attach(case, people, uploads.WAV), desk.client_of("a.byrne")
    answer = client.get(source(client, case, row), headers={"range": asked})
    assert (answer.status_code, answer["Content-Range"]) == (416, f"bytes */{row.size}")


def test_nothing_is_played_outside_a_viewing_of_ones_own(case, people):
    row, client = attach(case, people, uploads.WAV), desk.client_of("a.byrne")
    address = source(client, case, row)
    bare = address.partition("?")[0]
    forged = signing.dumps(
        [people["a.byrne"].label, str(Evidence.objects.get(number=1, case=case).uid)], salt="recording"
    )
    for wrong in (bare, f"{bare}?viewing=x", f"{bare}?viewing={forged}"):
        assert client.get(wrong).status_code == 404
    assert desk.client_of("d.osei").get(address).status_code == 404
    assert played(case) == 1


def test_a_viewing_ends(case, people, monkeypatch):
    row, client = attach(case, people, uploads.WAV), desk.client_of("a.byrne")
    address = source(client, case, row)
    monkeypatch.setattr(recordings, "VIEWING_SECONDS", -1)
    assert client.get(address).status_code == 404


@pytest.mark.parametrize("name", ["infected.wav", "sheet.pdf"])
def test_what_is_not_clean_or_no_recording_is_not_played(case, people, name):
    is_sheet = name == "sheet.pdf"
    data, kind = (uploads.PDF, "application/pdf") if is_sheet else (uploads.WAV, "audio/wav")
    row = attach(case, people, data, name, kind, "clean" if is_sheet else "infected")
    answer = desk.client_of("a.byrne").get(reverse("web:recording", args=[case.uid, row.number]))
    assert answer.status_code == (404 if is_sheet else 409)
    assert played(case) == 0


def test_recording_whose_store_is_away_is_a_sentence(case, people):
    row, client = attach(case, people, sound()), desk.client_of("a.byrne")
    address = source(client, case, row)
    StoredBlob.objects.filter(pk=row.blob_id).update(kept="s3")
    for path in (address, reverse("web:recording", args=[case.uid, row.number])):
        answer = client.get(path)
        assert (answer.status_code, "does not answer just now" in answer.content.decode()) == (409, True)
    assert played(case) == 1
