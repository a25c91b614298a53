"""Who we are on paper."""

from cases.reports import sender
from cases.reports.sender import NORTHMOOR, Contact, Firm

OURS = Firm(
    name="Lantern Mobile",
    desk=Contact(name="Fraud Desk", phone="01632 960 100"),
    adjudicator=Contact(name="An adjudicator"),
    regulator=Contact(name="A regulator"),
)


def test_firm_is_the_invented_one_until_the_setting_names_another(settings, monkeypatch):
    assert sender.firm() == NORTHMOOR

    monkeypatch.setattr(sender, "OURS", OURS, raising=False)
    settings.FIRM = "cases.reports.sender.OURS"

    assert sender.firm() == OURS
