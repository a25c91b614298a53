"""What the sandbox agencies answer to each kind of message, by the design's list of messages."""

import base64
import datetime as dt
import hashlib

import pytest

from cases.agencies.sandbox import desks

NOW = dt.datetime(2026, 11, 16, 11, 0, tzinfo=dt.UTC)
NAMED = {"filing_reference": "SFR-2026-0004417"}
BORN = {"role": "account_holder", "date_of_birth": "1984-03-09"}


# SHA-256 of the word test.
HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
PACKAGE = {
    "manifest": {"sha256": "00" * 32, "parts": [{"name": "01-top_ups.txt", "sha256": HASH}]},
    "data": {"top_ups": [{"name": "01-top_ups.txt", "encoding": "base64", "content": "dGVzdA=="}]},
}


def answer(kind, message_type, data, before=0):
    said = desks.reply(kind, desks.Visit({"type": message_type, "data": data}, before, NOW))
    return said.status, [(each["type"], each.get("agency_reference", "")) for each in said.callbacks], said.errors


@pytest.mark.parametrize(
    ("kind", "message_type", "data", "expected"),
    [
        ("fpa", "fpa_file", {"subjects": [BORN]}, [("fpa.filed", "SFR-2026-0004417")]),
        ("fpa", "fpa_amend", NAMED | {"subjects": [BORN]}, [("fpa.amended", "SFR-2026-0004417")]),
        ("fpa", "fpa_dispute", NAMED | {"is_open": True}, [("fpa.suspended", "SFR-2026-0004417")]),
        ("fpa", "fpa_dispute", NAMED | {"is_open": False}, []),
        ("fpa", "fpa_remove", NAMED | {"reason": "error"}, [("fpa.removed", "SFR-2026-0004417")]),
        ("fpa", "chaser", {}, []),
        ("police_report", "report_fraud", {}, [("report_fraud.recorded", "RF-2026-0002201")]),
        ("police_report", "correction_removed", {}, [("correction.acknowledged", "")]),
        ("post", "letter", {}, [("letter.dispatched", "")]),
        ("lea", "le_ack", {}, []),
        ("lea", "le_result", PACKAGE, [("le.received", "")]),
        ("lea", "le_destroy", {}, [("le.destroyed", "")]),
    ],
)
def test_each_message_gets_its_answer(kind, message_type, data, expected):
    assert answer(kind, message_type, data) == (202, expected, [])


def test_a_large_file_is_put_together_of_its_pieces_and_a_broken_piece_is_refused(tmp_path):
    def told(message_type, data):
        said = desks.reply("lea", desks.Visit({"type": message_type, "data": data}, 0, NOW, tmp_path))
        return said.status, [each["code"] for each in said.errors]

    def piece(number, content, sha256=""):
        about = {"name": "01-top_ups.mp4", "piece": number, "pieces": 2}
        about |= {"sha256": sha256 or hashlib.sha256(content).hexdigest(), "content": base64.b64encode(content)}
        return {"package_sha256": "00" * 32, "data": {"top_ups": [about]}}

    file = {"name": "01-top_ups.mp4", "encoding": "pieces", "content": HASH}
    whole = {
        "manifest": {"sha256": "00" * 32, "parts": [{"name": "01-top_ups.mp4", "sha256": HASH, "pieces": 2}]},
        "data": {"top_ups": [file]},
    }
    assert told("le_piece", piece(1, b"te", sha256="11" * 32)) == (422, ["PIECE_DIFFERS"])
    assert told("le_piece", piece(1, b"te")) == (202, [])
    assert told("le_result", whole) == (422, ["FILE_DIFFERS"])
    assert told("le_piece", piece(2, b"st")) == (202, [])
    assert told("le_result", whole) == (202, [])


def test_a_file_that_is_not_what_the_manifest_says_is_refused():
    other = {**PACKAGE, "data": {"top_ups": [{"name": "01-top_ups.txt", "encoding": "text", "content": "other"}]}}
    assert answer("lea", "le_result", other) == (422, [], [{"pointer": "/manifest/parts", "code": "FILE_DIFFERS"}])


@pytest.mark.parametrize("message_type", ["fpa_amend", "fpa_dispute", "fpa_remove"])
def test_what_names_no_filing_is_refused(message_type):
    status, said, errors = answer("fpa", message_type, {"subjects": [BORN]})
    assert (status, said, errors) == (422, [], [{"pointer": "/filing_reference", "code": "UNKNOWN_FILING"}])


def test_an_amendment_without_a_birthday_is_refused_like_a_filing():
    wanted = [{"pointer": "/subjects/0/date_of_birth", "code": "SUBJECT_1_MISSING_DOB_FORMAT"}]
    nobody = {"subjects": [{"role": "victim_of_takeover"}]}
    assert answer("fpa", "fpa_file", nobody) == (422, [], wanted)
    assert answer("fpa", "fpa_amend", NAMED | nobody) == (422, [], wanted)
