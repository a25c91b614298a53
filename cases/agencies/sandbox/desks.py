"""How each kind of agency answers a message: at once, and by callback. Their rules, as far as they are known."""

import base64
import datetime as dt
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ISO_DATE = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", re.ASCII)
FIRST_FILING = 4417
FIRST_REPORT = 901
FIRST_CRIME = 2201
FIRST_LINK = 3101
FIRST_BREACH = 301
FIRST_FOOTPRINT = 7001


@dataclass
class Reply:
    """An answer and the callbacks that follow it. Each callback lacks only sequence and time."""

    status: int = 202
    errors: list[dict[str, str]] = field(default_factory=list)
    said: dict[str, Any] = field(default_factory=dict)
    callbacks: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Visit:
    """What a desk sees: the parsed message, how many it accepted before, the time it goes by, and the folder in which
    it keeps pieces of large files."""

    message: dict[str, Any]
    accepted_before: int
    now: dt.datetime
    pieces: Path = Path()

    @property
    def data(self) -> dict[str, Any]:
        """The content proper."""
        return dict(self.message.get("data") or {})


def fraud_register(visit: Visit) -> Reply:
    """Check the subjects; file under the next reference. What is said of a filing later must name it by that."""
    said = str(visit.message.get("type"))
    if said == "fpa_search":
        return _searched(visit, {"match": _applicant(visit).get("match", "none")})
    if said == "fpa_file":
        errors = _missing_births(visit.data.get("subjects") or [])
        if errors:
            return Reply(status=422, errors=errors)
        reference = f"SFR-{visit.now.year}-{FIRST_FILING + visit.accepted_before:07d}"
        return Reply(callbacks=[{"type": "fpa.filed", "agency_reference": reference, "data": {}}])
    if said not in ANSWERS:
        return Reply()
    reference = str(visit.data.get("filing_reference") or "")
    errors = [] if reference else [{"pointer": "/filing_reference", "code": "UNKNOWN_FILING"}]
    if said == "fpa_amend":
        errors += _missing_births(visit.data.get("subjects") or [])
    if errors:
        return Reply(status=422, errors=errors)
    answer = ANSWERS[said](visit.data)
    return Reply(callbacks=[{"type": each, "agency_reference": reference, "data": {}} for each in answer])


# What the register says of a filing it has. A dispute that is over asks for no answer.
ANSWERS: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "fpa_amend": lambda _: ["fpa.amended"],
    "fpa_remove": lambda _: ["fpa.removed"],
    "fpa_dispute": lambda data: ["fpa.suspended"] if data.get("is_open") else [],
}


def _missing_births(subjects: list[dict[str, Any]]) -> list[dict[str, str]]:
    """A third-party fraudster's date of birth is unknown by nature; everybody else's is needed."""
    return [
        {"pointer": f"/subjects/{index}/date_of_birth", "code": f"SUBJECT_{index + 1}_MISSING_DOB_FORMAT"}
        for index, subject in enumerate(subjects)
        if str(subject.get("role", "")).lower() != "third_party_fraudster"
        and not ISO_DATE.fullmatch(str(subject.get("date_of_birth") or ""))
    ]


def retail_alert(visit: Visit) -> Reply:
    """Keep the addresses. A unit on an estate was told before by another retailer: that is a hit."""
    if visit.message.get("type") == "alert_search":
        homes = visit.data.get("addresses") or []
        return _searched(visit, {"hit": any(str(each.get("line_1", "")).lower().startswith("unit") for each in homes)})
    if visit.message.get("type") != "alert_upload":
        return Reply()
    entries = visit.data.get("entries") or []
    if not any(str(entry.get("line_1", "")).lower().startswith("unit") for entry in entries):
        return Reply()
    return Reply(callbacks=[_said("hit", number=visit.accepted_before + 1)])


def _said(name: str, *, number: int) -> dict[str, Any]:
    """Return one of the sayings as a callback, under a reference of its own."""
    kind, data = SAYINGS[name]
    return {"type": kind, "data": {"their_reference": f"{name.upper()}-{number:04d}", **data}}


# What an agency may say of a case without being asked: type and content. Invented members, invented matters.
SAYINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "match": (
        "fpa.match",
        {
            "search_reference": "S-771",
            "member": "Fictional Bank",
            "summary": "Facility takeover, filed this month. Same date of birth and telephone.",
            "matched_on": ["date_of_birth", "phone"],
            "expires_date": "2032-05-31",
        },
    ),
    "enquiry": ("fpa.enquiry", {"member": "Fictional Insurance", "summary": "Does the filing still stand?"}),
    "removal_instruction": (
        "fpa.removal_instruction",
        {"summary": "The ombudsman found for the person on 12 November 2026. Remove the filing."},
    ),
    "protective_registration": (
        "fpa.protective_registration",
        {
            "registered_date": "2026-10-05",
            "expires_date": "2028-10-04",
            "summary": "Papers stolen in a burglary. Ask for the password before anything is ordered.",
        },
    ),
    "hit": ("alert.hit", {"code": "SUSPECT", "date": "2026-09-18", "member": "Fictional Stores"}),
}


def saying(name: str, order: dict[str, Any], *, number: int) -> dict[str, Any]:
    """Return a named saying about a case, by our reference or the agency's. Raises ValueError for an unknown name."""
    if name not in SAYINGS:
        raise ValueError(name)
    named = {key: order[key] for key in ("reference", "agency_reference") if key in order}
    return _said(name, number=number) | named


def post_house(visit: Visit) -> Reply:
    """Put a letter in the post the same day."""
    if visit.message.get("type") != "letter":
        return Reply()
    return Reply(callbacks=[{"type": "letter.dispatched", "data": {"date": visit.now.date().isoformat()}}])


def intelligence_unit(visit: Visit) -> Reply:
    """Acknowledge a report. A defence is decided at once where an account's last letter says so: C gives it, R refuses
    it; any other waits, so that its notice period runs."""
    if visit.message.get("type") != "fiu_sar":
        return Reply()
    reference = f"FIU-{visit.now.year}-{FIRST_REPORT + visit.accepted_before:07d}"
    callbacks = [{"type": "fiu.acknowledged", "agency_reference": reference, "data": {}}]
    if str(visit.data.get("reason", "")).startswith("defence_"):
        lasts = {str(account)[-1:] for account in visit.data.get("accounts") or []}
        decided = ["fiu.refused"] if "R" in lasts else ["fiu.consented"] if "C" in lasts else []
        callbacks += [{"type": each, "agency_reference": reference, "data": {}} for each in decided]
    return Reply(callbacks=callbacks)


def police_desk(visit: Visit) -> Reply:
    """Record a report of fraud under the next crime reference."""
    if visit.message.get("type") != "report_fraud":
        return Reply()
    reference = f"RF-{visit.now.year}-{FIRST_CRIME + visit.accepted_before:07d}"
    return Reply(callbacks=[{"type": "report_fraud.recorded", "agency_reference": reference, "data": {}}])


def authority(visit: Visit) -> Reply:
    """Confirm a package whose files are what its manifest says, and refuse another; say that what was wrongly given is
    destroyed."""
    said = visit.message.get("type")
    if said == "le_piece":
        return _keep_piece(visit)
    if said == "le_destroy":
        return Reply(callbacks=[{"type": "le.destroyed", "data": {}}])
    if said != "le_result":
        return Reply()
    manifest = visit.data.get("manifest") or {}
    promised = {part["name"]: part["sha256"] for part in manifest.get("parts", ())}
    files = [each for of_item in (visit.data.get("data") or {}).values() for each in of_item]
    if {each["name"]: _hash(each, visit.pieces / str(manifest.get("sha256"))) for each in files} != promised:
        return Reply(status=422, errors=[{"pointer": "/manifest/parts", "code": "FILE_DIFFERS"}])
    return Reply(callbacks=[{"type": "le.received", "data": {"package_sha256": manifest.get("sha256", "")}}])


def _keep_piece(visit: Visit) -> Reply:
    """Keep one piece of a large file beside the others of its package, and none that is not what it says."""
    (piece,) = next(iter(visit.data["data"].values()))
    content = base64.b64decode(piece.pop("content"))  # what is kept of the message itself is without it
    if hashlib.sha256(content).hexdigest() != piece["sha256"]:
        return Reply(status=422, errors=[{"pointer": "/data", "code": "PIECE_DIFFERS"}])
    folder = visit.pieces / re.sub("[^0-9a-f]", "", visit.data["package_sha256"])
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / f"{re.sub('[^A-Za-z0-9_.-]', '', piece['name'])}.{int(piece['piece']):06d}").write_bytes(content)
    return Reply()


def _hash(file: dict[str, str], folder: Path) -> str:
    content = file["content"]
    if file["encoding"] == "pieces":
        digest = hashlib.sha256()
        for path in sorted(folder.glob(f"{file['name']}.*")):
            digest.update(path.read_bytes())
        return digest.hexdigest()
    data = base64.b64decode(content) if file["encoding"] == "base64" else content.encode()
    return hashlib.sha256(data).hexdigest()


def bureau(visit: Visit) -> Reply:
    """Record a link between two people under the next reference; take one off; say what became of a break."""
    said, named = visit.message.get("type"), str(visit.data.get("link_reference") or "")
    if said == "cra_search":
        known = _applicant(visit)
        if visit.data.get("search_type") == "identity":
            return _searched(visit, {"identity": known.get("identity", "pass")})
        return _searched(visit, {"score": known.get("score", 640), "indicators": known.get("indicators", [])})
    if said == "cra_assoc":
        reference = f"FA-{visit.now.year}-{FIRST_LINK + visit.accepted_before:07d}"
        return Reply(callbacks=[{"type": "association.recorded", "agency_reference": reference, "data": {}}])
    answer = {"cra_assoc_remove": "association.removed", "cra_assoc_query": "association.broken"}.get(str(said))
    if answer is None:
        return Reply()
    return Reply(callbacks=[{"type": answer, **({"agency_reference": named} if named else {}), "data": {}}])


# Applicants of whom something is on file, by last name; of everybody else there is a good score and no match.
ON_FILE: dict[str, dict[str, Any]] = {
    "Fenwick-Okafor": {"score": 512, "indicators": ["applications_differ"]},
    "Hallworthy": {"identity": "refer"},
    "Penhaligon": {"match": "protective"},
    "Quillfeather": {"score": 588, "indicators": ["notice_of_correction"]},
    "Thistlewood": {"score": 390},
}


def _applicant(visit: Visit) -> dict[str, Any]:
    people = visit.data.get("people") or [{}]
    return ON_FILE.get(str(people[0].get("surname") or ""), {})


def _searched(visit: Visit, said: dict[str, Any]) -> Reply:
    """Answer a search at once, under the next footprint."""
    number = f"FP-{visit.now.year}-{FIRST_FOOTPRINT + visit.accepted_before:07d}"
    return Reply(said={"data": {"footprint": number, **said}})


def marketer(visit: Visit) -> Reply:
    """Stop at once, and say so."""
    if visit.message.get("type") != "rights_stop":
        return Reply()
    return Reply(callbacks=[{"type": "rights.stopped", "data": {}}])


def regulator(visit: Visit) -> Reply:
    """Give a notice of a breach the next reference."""
    if visit.message.get("type") != "ico_breach":
        return Reply()
    reference = f"ICO-{visit.now.year}-{FIRST_BREACH + visit.accepted_before:07d}"
    return Reply(callbacks=[{"type": "breach.acknowledged", "agency_reference": reference, "data": {}}])


def provider(visit: Visit) -> Reply:
    """Find the line of a traceback in our own network."""
    if visit.message.get("type") != "traceback":
        return Reply()
    data = {"result": "caller_found", "from": "+441632960222"}
    return Reply(callbacks=[{"type": "traceback.answered", "data": data}])


def quiet(_visit: Visit) -> Reply:
    """Take the message and say no more."""
    return Reply()


DESKS: dict[str, Callable[[Visit], Reply]] = {
    "fpa": fraud_register,
    "fraud_alert": retail_alert,
    "post": post_house,
    "fiu": intelligence_unit,
    "police_report": police_desk,
    "lea": authority,
    "cra": bureau,
    "group_company": marketer,
    "partner": marketer,
    "regulator": regulator,
    "provider": provider,
}


def reply(kind: str, visit: Visit) -> Reply:
    """Return what an agency of a kind says to a message. Whoever is told of a correction confirms it."""
    if str(visit.message.get("type")).startswith("correction_"):
        return Reply(callbacks=[{"type": "correction.acknowledged", "data": {}}])
    return DESKS.get(kind, quiet)(visit)
