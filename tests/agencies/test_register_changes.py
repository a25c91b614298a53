"""Every change of an agency is made by one person and agreed to by another; neither then releases to it for a day."""

import ipaddress
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from cases.agencies import addresses, openpgp, partnerkeys
from cases.agencies.directory import TERMS
from cases.agencies.register import key_name
from cases.agencies.registerforms import AddressForm, AgencyForm, PartnerKeyForm
from cases.kernel import transitions
from cases.kernel.errors import NotAllowed
from cases.kernel.exchange import agencies, agreements
from cases.kernel.models import Agency, AgencyTerms, ChannelKey, OutboxMessage, PartnerKey
from cases.kernel.office import proposals
from cases.kernel.releases import ReleaseRefused
from tests import factories
from tests.agencies.stage import FPA
from tests.kernel.snapshots import nothing_written

pytestmark = pytest.mark.django_db
AT = factories.APPROVED_AT


@pytest.fixture
def people():
    return factories.office()


def one_with(people, role):
    return next(each for each in people.values() if role in each.roles)


def propose(people, kind, payload, *, role="disclosure_officer"):
    return proposals.propose(kind, payload, actor=one_with(people, role), at=AT, reason="Agreed with them.")


def agree(people, proposal):
    checker = one_with(people, "disclosure_approver")
    return proposals.decide(proposal.uid, "agreed", actor=checker, at=AT, reason="Read and agreed.")


def terms(**changes):
    return {"code": FPA, **asdict(replace(TERMS, **changes))}


def test_terms_change_when_a_second_person_agrees_and_not_before(people):
    proposal = propose(people, "agency_terms", terms(state="suspended"))
    assert AgencyTerms.objects.get(agency__code=FPA).state == "active"

    agree(people, proposal)

    assert AgencyTerms.objects.get(agency__code=FPA).state == "suspended"
    assert Agency.objects.get(code=FPA).is_active is False


def test_nobody_agrees_to_their_own_and_nobody_else_proposes(people):
    proposal = propose(people, "agency_terms", terms(state="ended"))
    with pytest.raises(NotAllowed):
        proposals.decide(proposal.uid, "agreed", actor=one_with(people, "disclosure_officer"), at=AT, reason="x")
    with pytest.raises(NotAllowed):
        proposals.propose("agency_terms", terms(state="ended"), actor=people["a.byrne"], at=AT, reason="x")
    assert AgencyTerms.objects.get(agency__code=FPA).state == "active"


@pytest.mark.parametrize("address", ["http://example.org/", "https://169.254.169.254/", "https://10.0.0.1/"])
def test_an_address_to_which_nothing_would_be_sent_is_refused(people, address):
    before = agencies.channel_of(agencies.get(FPA), "out").address
    with pytest.raises(proposals.ProposalRefused, match="Nothing would be sent"):
        propose(people, "agency_address", {"code": FPA, "address": address})
    assert agencies.channel_of(agencies.get(FPA), "out").address == before


def test_nobody_is_asked_where_a_name_leads_while_a_change_is_made(people, monkeypatch):
    monkeypatch.setattr(addresses, "_resolve", lambda host, port: pytest.fail("The resolver was asked."))
    listing = {"code": "sandbox-new", "kind": "fpa", "display_name": "New", "country": "GB"}
    for kind, payload in (("agency_address", {"code": FPA}), ("agency_new", listing)):
        agree(people, propose(people, kind, {**payload, "address": "https://moved.example.org/"}))
        moved = agencies.channel_of(agencies.get(payload["code"]), "out")
        assert moved.address == "https://moved.example.org/"


@pytest.mark.parametrize("form", [AddressForm, AgencyForm])
def test_the_form_refuses_a_name_that_leads_inside(people, form, monkeypatch):
    monkeypatch.setattr(addresses, "_resolve", lambda host, port: [ipaddress.ip_address("10.0.0.1")])
    typed = {"code": FPA, "kind": "fpa", "display_name": "New", "country": "GB", "reason": "They move."}

    filled = form({**typed, "address": "https://moved.example.org/"}, actor=people["k.mistry"])

    sentence = "Nothing would be sent to that address: it must be https, sftp, smtp or smtps, resolve, and be public."
    assert filled.errors == {"address": [sentence]}


def test_a_key_is_made_by_two_overlaps_is_shown_once_and_the_old_one_ends(people):
    channel = agencies.channel_of(agencies.get(FPA), "in")
    old = agencies.add_key(channel, "whsec_" + "A" * 43 + "=", name="old", actor=factories.job(), at=AT)
    with pytest.raises(proposals.ProposalRefused, match="only live key"):
        propose(people, "agency_key_end", {"code": FPA, "key_name": "old"}, role="system_administrator")
    made = agree(
        people, propose(people, "agency_key_make", {"code": FPA, "direction": "in"}, role="system_administrator")
    )
    new = ChannelKey.objects.get(key_name=key_name(made.uid, "in"))
    assert {row.pk for row in agencies.live_keys(channel, at=AT)} == {old.pk, new.pk}
    with pytest.raises(proposals.ProposalRefused, match="two live keys"):
        propose(people, "agency_key_make", {"code": FPA, "direction": "in"}, role="system_administrator")

    assert agencies.show_once(new, actor=people["o.thackray"], at=AT).startswith("whsec_")
    with pytest.raises(agencies.AlreadyShown):
        agencies.show_once(new, actor=people["o.thackray"], at=AT)
    agree(people, propose(people, "agency_key_end", {"code": FPA, "key_name": "old"}, role="system_administrator"))
    later = AT + timedelta(seconds=1)
    assert [row.pk for row in agencies.live_keys(channel, at=later)] == [new.pk]


def test_who_changed_an_entry_does_not_release_to_it_for_a_day(people):
    agree(people, propose(people, "agency_terms", terms(mailbox="filings@example.org")))
    maker = one_with(people, "disclosure_officer")
    agency = Agency.objects.get(code=FPA)
    soon, next_day = AT + timedelta(hours=23), AT + timedelta(hours=24)
    sentence = "You changed the entry of Sandbox Fraud Register within a day: another person releases to it."
    assert agreements.too_close(agency, maker, at=soon) == sentence
    assert agreements.too_close(agency, maker, at=next_day) == ""
    assert agreements.too_close(agency, people["d.osei"], at=soon) == ""

    case = factories.ready(people)
    approver = replace(people["d.osei"], user_id=maker.user_id)
    with pytest.raises(ReleaseRefused, match="within a day"):
        transitions.apply(case.pk, "approve", actor=approver, at=soon, inputs=factories.CHECKER_INPUTS)
    assert OutboxMessage.objects.count() == 0


FILES = {"code": "drama-recoveries"}


@pytest.fixture
def taker(people):
    """An agency that takes files, entered by two people."""
    listing = {"kind": "dca", "display_name": "Drama Recoveries", "country": "GB"}
    address = "sftp://backoffice@files.drama-recoveries.example.org/in"
    agree(people, propose(people, "agency_new", {**FILES, **listing, "address": address}))
    return agencies.get(FILES["code"])


def keeping(people, kind, **payload):
    return propose(people, kind, {**FILES, **payload}, role="system_administrator")


def test_a_public_key_counts_when_a_second_person_agreed_to_its_fingerprint(people, taker):
    public = openpgp.make_pair("Drama Recoveries")[1]
    proposal = keeping(people, "agency_partner_key", key_kind="openpgp", public=public.armored)
    assert agencies.live_partner_keys(taker, kind="openpgp", at=AT) == []
    with pytest.raises(NotAllowed):
        proposals.decide(proposal.uid, "agreed", actor=one_with(people, "system_administrator"), at=AT, reason="x")

    agree(people, proposal)
    (row,) = agencies.live_partner_keys(taker, kind="openpgp", at=AT)
    assert (row.fingerprint, row.public) == (public.fingerprint, public.armored)
    with pytest.raises(proposals.ProposalRefused, match="in the register already"):
        keeping(people, "agency_partner_key", key_kind="openpgp", public=public.armored)

    agree(people, keeping(people, "agency_partner_key_end", fingerprint=public.fingerprint))
    assert agencies.live_partner_keys(taker, kind="openpgp", at=AT + timedelta(seconds=1)) == []
    with pytest.raises(proposals.ProposalRefused, match="no live public key"):
        keeping(people, "agency_partner_key_end", fingerprint=public.fingerprint)


def test_what_is_no_public_key_or_is_for_nobody_who_takes_files_is_refused(people, taker):
    secret = openpgp.make_pair("Drama Recoveries")[0]
    for kind, text in (
        ("openpgp", "hello"),
        ("openpgp", secret),
        ("ssh_host", "ssh-ed25519 AAAA"),
        ("ssh_host", secret),
    ):
        with pytest.raises(proposals.ProposalRefused, match="no such key"):
            keeping(people, "agency_partner_key", key_kind=kind, public=text)
    line = partnerkeys.make_ssh_pair()[1]
    with pytest.raises(proposals.ProposalRefused, match="Files are not exchanged"):
        keeping(people, "agency_partner_key", code=FPA, key_kind="ssh_host", public=line)
    agree(people, keeping(people, "agency_partner_key", key_kind="ssh_host", public=line))
    (row,) = agencies.live_partner_keys(taker, kind="ssh_host", at=AT)
    assert row.fingerprint.startswith("SHA256:")
    typed = {**FILES, "key_kind": "openpgp", "public": "hello", "reason": "Theirs."}
    filled = PartnerKeyForm(typed, actor=one_with(people, "system_administrator"))
    assert filled.errors == {"public": ["This is not one public OpenPGP certificate."]}


def test_our_pairs_are_made_by_two_sealed_and_never_shown(people, taker):
    agree(people, keeping(people, "agency_file_keys"))
    rows = {row.kind: row for row in ChannelKey.objects.filter(channel__agency=taker)}
    assert set(rows) == {"openpgp", "ssh"}
    assert rows["ssh"].public.startswith("ssh-ed25519 ") and "PUBLIC KEY" in rows["openpgp"].public
    for row in rows.values():
        with pytest.raises(agencies.AlreadyShown):
            agencies.show_once(row, actor=people["o.thackray"], at=AT)


def test_the_way_of_a_channel_follows_its_address_and_its_folder_is_set_by_two(people, taker):
    channel = agencies.channel_of(taker, "out")
    assert (channel.transport, channel.retry_profile, channel.receiver_dedupes) == ("sftp", "file", False)
    agree(people, propose(people, "agency_folder", {**FILES, "folder": "/out"}))
    box = "smtp://mail.example.org/files@drama-recoveries.example.org"
    agree(people, propose(people, "agency_address", {**FILES, "address": box}))
    channel.refresh_from_db()
    assert (channel.transport, channel.retry_profile, channel.receiver_dedupes) == ("smtp", "email", False)
    assert channel.answers_folder == "/out"
    for wrong in ("sftp://files.example.org/in", "smtp://mail.example.org/", "ftp://u@files.example.org/in"):
        with pytest.raises(proposals.ProposalRefused, match="Nothing would be sent"):
            propose(people, "agency_address", {**FILES, "address": wrong})


def test_a_pause_ends_with_the_beginning_of_a_london_day(people):
    """In summer the day begins in London while it is still yesterday in UTC."""
    late = datetime(2026, 7, 1, 23, 30, tzinfo=UTC)
    given = {"actor": one_with(people, "disclosure_officer"), "at": late, "reason": "Agreed with them."}
    with nothing_written(), pytest.raises(proposals.ProposalRefused, match="Choose a day to come"):
        proposals.propose("agency_pause", {"code": FPA, "until_date": date(2026, 7, 2)}, **given)
    row = proposals.propose("agency_pause", {"code": FPA, "until_date": date(2026, 7, 3)}, **given)
    checker = one_with(people, "disclosure_approver")
    proposals.decide(row.uid, "agreed", actor=checker, at=late, reason="Read and agreed.")
    (channel,) = agencies.channels_out(agencies.get(FPA))
    assert channel.health.paused_until == datetime(2026, 7, 2, 23, 0, tzinfo=UTC)


def test_server_and_certificate_of_one_agency_are_proposed_on_one_day_and_both_count_as_changes_of_it(people, taker):
    certificate = keeping(
        people, "agency_partner_key", key_kind="openpgp", public=openpgp.make_pair("Drama Recoveries")[1].armored
    )
    server = keeping(people, "agency_partner_key", key_kind="ssh_host", public=partnerkeys.make_ssh_pair()[1])
    with nothing_written(), pytest.raises(proposals.ProposalRefused, match="waits for a decision already"):
        keeping(people, "agency_partner_key", key_kind="ssh_host", public=partnerkeys.make_ssh_pair()[1])
    keeper = one_with(people, "system_administrator")
    assert agreements.too_close(taker, keeper, at=AT) == ""

    agree(people, server)

    assert agreements.too_close(taker, keeper, at=AT).startswith("You changed the entry of ")
    agree(people, certificate)
    assert {row.kind for row in PartnerKey.objects.filter(agency=taker)} == {"openpgp", "ssh_host"}


def test_an_agency_is_of_a_kind_that_there_is(people, monkeypatch):
    monkeypatch.setattr(addresses, "_resolve", lambda host, port: [ipaddress.ip_address("93.184.215.14")])
    typed = {"code": "new", "kind": "dcaa", "display_name": "New", "country": "GB", "reason": "New."}
    filled = AgencyForm({**typed, "address": "https://new.example.org/"}, actor=people["k.mistry"])
    assert list(filled.errors) == ["kind"]
