"""Which item opens on which ground, against the design's table."""

import csv

import pytest

from cases.disclosure import gates
from cases.disclosure.dataitems import CLASSES, ITEMS, OPENS, OVERRIDES
from cases.kernel import notice
from tests.kernel import design


def rows(name):
    with (design.DATA / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


GATE = rows("class_gate.csv")


def found(row, **changes):
    asking = gates.Asking(
        gateway=row["gateway"],
        purpose=row["purpose"],
        is_serious_crime=row["serious_crime"] == "yes",
        authority_kind=row["authority"],
        allowed=frozenset({row["item"]} if row["allowed_by_hand"] else ()),
    )
    return gates.class_gate(row["item"], asking)


def test_catalogue_is_the_designs():
    assert {item.code: item.item_class for item in ITEMS.values()} == {
        row["item"]: row["class"] for row in rows("data_items.csv")
    }
    assert {item.item_class for item in ITEMS.values()} == set(CLASSES)


@pytest.mark.parametrize("row", GATE, ids=lambda row: f"{row['item']}-{row['gateway'] or 'none'}-{row['outcome']}")
def test_class_gate_answers_as_the_design_says(row):
    finding = found(row)

    assert (finding.outcome, finding.code) == (row["outcome"], row["code"])
    assert bool(finding.sentence) == (row["outcome"] != "accept")


def test_every_gateway_is_one_of_the_code_list_and_an_exemption_opens_nothing():
    assert set(OPENS) <= set(notice.GATEWAYS)
    assert not {code for code in OPENS if code.startswith(("dpa18_", "pecr_", "sca07_"))}
    assert {"ipa_s11_3a_c", "ipa_s6_stored"} == OVERRIDES


def test_no_gateway_opens_a_credential():
    for gateway in notice.GATEWAYS:
        for item in ("passwords", "security_answers"):
            asking = gates.Asking(gateway=gateway, purpose="crime_applicable", is_serious_crime=True)
            assert gates.class_gate(item, asking).outcome == "refuse"


def test_only_lawful_authority_for_stored_content_opens_content():
    everything = frozenset(ITEMS)
    opened = {
        (gateway, item.code)
        for gateway in notice.GATEWAYS
        for item in ITEMS.values()
        if item.item_class == "content"
        and gates.class_gate(item.code, gates.Asking(gateway=gateway, allowed=everything)).outcome == "accept"
    }
    assert opened == {("ipa_s6_stored", "sms_text"), ("ipa_s6_stored", "voicemail")}
