"""Who we are on paper, and how those a letter speaks of can be reached. Invented unless settings say otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from django.conf import settings
from django.utils.module_loading import import_string

__all__ = ["Contact", "Firm", "firm"]


@dataclass(frozen=True, kw_only=True)
class Contact:
    """One way to reach an organisation, as a letter prints it."""

    name: str
    address: tuple[str, ...] = ()
    phone: str = ""
    email: str = ""
    web: str = ""


@dataclass(frozen=True, kw_only=True)
class Firm:
    """The letterhead, the desk that answers, and where a complaint can go. `agencies` is by kind of agency, `desks` by
    the code of the team whose case a letter is about: of any other team it is `desk` that answers."""

    name: str
    desk: Contact
    adjudicator: Contact
    regulator: Contact
    agencies: Mapping[str, Contact] = field(default_factory=dict)
    desks: Mapping[str, Contact] = field(default_factory=dict)

    def of(self, team: str) -> Firm:
        """Return the firm as a team writes: whoever reads that letter reaches its desk."""
        return replace(self, desk=self.desks.get(team, self.desk))


def _desk(name: str, box: int, phone: str, email: str) -> Contact:
    return Contact(name=name, address=(f"PO Box {box:03d}", "Northmoor", "NM1 0ZZ"), phone=phone, email=email)


NORTHMOOR = Firm(
    name="Northmoor Telecom",
    desk=Contact(
        name="Fraud and Identity Desk",
        address=("PO Box 000", "Northmoor", "NM1 0ZZ"),
        phone="01632 960 180",
        email="identity.desk@example.org",
    ),
    adjudicator=Contact(
        name="the Communications Ombudsman or CISAS",
        phone="01632 960 377",
        email="adjudication@example.org",
    ),
    regulator=Contact(
        name="the Information Commissioner’s Office (ICO)",
        phone="01632 960 555",
        email="regulator@example.org",
    ),
    agencies={
        "fpa": Contact(
            name="Consumer Affairs",
            address=("PO Box 999", "Northmoor", "NM2 0ZZ"),
            phone="01632 960 240",
            email="consumers@example.org",
        )
    },
    desks={
        "collections": _desk("Payments and Collections Desk", 1, "01632 960 181", "payments.desk@example.org"),
        "credit": _desk("Credit Desk", 2, "01632 960 182", "credit.desk@example.org"),
        "rights": _desk("Data Rights Desk", 3, "01632 960 183", "rights.desk@example.org"),
        "data_protection": _desk("Data Protection Desk", 4, "01632 960 184", "protection.desk@example.org"),
    },
)


def firm() -> Firm:
    """Return the firm of this installation: what the setting FIRM names by its dotted path, or the invented one."""
    named = getattr(settings, "FIRM", "")
    found: Firm = import_string(named) if named else NORTHMOOR
    return found
