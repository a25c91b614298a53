"""Codes of a breach, each with its words."""

from __future__ import annotations

from cases.kernel.office.codelists import CodeList

__all__ = ["COMMISSIONERS", "EVIDENCE_KINDS", "ICO", "IPC", "NATURES", "RISKS", "ROLES", "TELL_THE_PEOPLE", "YES_NO"]

NATURES = (
    ("disclosed", "Somebody saw or got what they should not"),
    ("lost", "Data was lost, or nobody can reach it"),
    ("changed", "Data was changed or deleted by mistake"),
)
RISKS = (
    ("unlikely", "No harm to the people is likely"),
    ("likely", "Harm to the people is possible"),
    ("adverse", "It is likely to harm them: they are told too"),
)
TELL_THE_PEOPLE = "adverse"
YES_NO = (("no", "No"), ("yes", "Yes"))
ICO, IPC = "ico", "ipc"
COMMISSIONERS = {
    ICO: "The Information Commissioner",
    IPC: "The Investigatory Powers Commissioner, since secrecy forbids the other (s.235A)",
}
ROLES = (("affected", "Affected"),)
EVIDENCE_KINDS = CodeList(
    "breach_evidence",
    "Breaches: kinds of document",
    (
        ("log", "Log or record of a system"),
        ("correspondence", "Correspondence"),
        ("commissioner_letter", "Letter of a Commissioner"),
    ),
    is_open=True,
)
