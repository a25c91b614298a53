"""The register of agencies: who they are, how they are reached, and the shared secrets of each channel.

Every change is an act in the agency's own ledger stream. Makes no secret itself and calls nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from cases.kernel import casetypes, tasks
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError
from cases.kernel.exchange import agreements
from cases.kernel.models import Agency, BatchFile, Channel, ChannelHealth, ChannelKey, PartnerKey, Task, Team
from cases.kernel.prepared import Prepared
from cases.ledger import api as ledger
from cases.ledger import sealing
from cases.ledger.models import LedgerEvent

__all__ = [
    "AGREED",
    "LONGEST_ALONE",
    "ChannelPlan",
    "Listing",
    "UnknownAgency",
    "add_key",
    "add_partner_key",
    "change_channel",
    "channel_of",
    "channels_out",
    "compartment",
    "desk_of",
    "get",
    "is_paused_by_two",
    "live_keys",
    "live_partner_keys",
    "open_secrets",
    "pause",
    "register",
    "resume",
    "revoke_key",
    "revoke_partner_key",
    "show_once",
]

UNPROVED = ("signer_unknown", "no_live_key", "certificate_expired", "certificate_revoked")
LONGEST_ALONE = timedelta(hours=1)  # a longer pause needs a second person
AGREED = "agreed"  # the cause of a pause or an end of one that two people agreed to


class UnknownAgency(CaseError):
    """The register has no such agency."""

    def __init__(self, code: str) -> None:
        super().__init__(f"The register has no agency called {code}.")


@dataclass(frozen=True, kw_only=True)
class ChannelPlan:
    """What a channel is to be when it is registered."""

    direction: str
    transport: str = "https"
    address: str = ""
    allowed_cidrs: tuple[str, ...] = ()
    ca_file: str = ""
    is_ordered: bool = True
    receiver_dedupes: bool = True
    retry_profile: str = "standard"
    timeout_seconds: int = 15
    answers_folder: str = ""


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One line of the directory."""

    code: str
    kind: str
    display_name: str
    formerly: str = ""
    country: str = "GB"
    terms: agreements.Terms | None = None
    channels: tuple[ChannelPlan, ...] = field(default=())


def get(code: str) -> Agency:
    """Return an agency. Raises UnknownAgency."""
    found = Agency.objects.filter(code=code).first()
    if found is None:
        raise UnknownAgency(code)
    return found


def channel_of(agency: Agency, direction: str, *, transport: str = "") -> Channel | None:
    """Return the first channel of a direction, by a transport if one is named, that is not disabled."""
    rows = agency.channels.filter(direction=direction).exclude(state="disabled").order_by("pk")
    return (rows.filter(transport=transport) if transport else rows).first()


def channels_out(agency: Agency) -> list[Channel]:
    """Return the ways in which an agency is sent anything, for messages and for files, that are not disabled."""
    return list(agency.channels.filter(direction="out").exclude(state="disabled").order_by("pk"))


def live_keys(channel: Channel, *, at: datetime, kind: str = "hmac") -> list[ChannelKey]:
    """Return the keys of a kind that count at a moment, newest first."""
    return _LIVE_KEYS.objects(channel=channel.pk, at=at, kind=kind)


def _live_keys(*, channel: int, at: datetime, kind: str) -> QuerySet[ChannelKey]:
    live = Q(active_from__lte=at) & (Q(revoked_at=None) | Q(revoked_at__gt=at))
    rows = ChannelKey.objects.filter(live, channel=channel, kind=kind).select_related("key__parent")
    return rows.order_by("-active_from", "-pk")


_LIVE_KEYS = Prepared(_live_keys, channel=-(10**15) - 1, at=datetime(1900, 1, 1, tzinfo=UTC), kind="one kind")


def open_secrets(channel: Channel, *, purpose: str, at: datetime, kind: str = "hmac") -> dict[str, str]:
    """Return the live secrets of a kind of a channel by key name, newest first. Writes one access row."""
    rows = live_keys(channel, at=at, kind=kind)
    reader = sealing.Reader(actor="system:delivery", verb="sign", purpose=purpose, streams=(channel.agency.uid,))
    opened = sealing.open_rows(rows, ["secret"], reader=reader, at=at, loaded=[row.key for row in rows])
    return {
        row.key_name: values["secret"]
        for row, values in zip(rows, opened, strict=True)
        if values["secret"] is not None and values["secret"] is not sealing.ERASED
    }


def register(listing: Listing, *, actor: Actor, at: datetime) -> Agency:
    """Enter an agency, its channels and its terms, or add what an earlier entry lacks. Changes nothing that stands.

    Raises agreements.TermsRefused; nothing is then written.
    """
    agency = Agency.objects.select_related("terms").filter(code=listing.code).first()
    missing = [plan for plan in listing.channels if agency is None or _lacks(agency, plan)]
    terms = listing.terms if agency is None or not hasattr(agency, "terms") else None
    if agency is not None and not missing and terms is None:
        return agency
    agency = agency or Agency(
        code=listing.code,
        kind=listing.kind,
        display_name=listing.display_name,
        formerly=listing.formerly,
        country=listing.country,
    )
    detail = {"code": agency.code}
    with ledger.action(agency.uid, "agency.registered", actor=actor.label, at=at, detail=detail, source=actor.source):
        if agency.pk is None:
            agency.save(force_insert=True)
        for plan in missing:
            _add_channel(agency, plan)
        if terms is not None:
            agreements.enter(agency, terms, actor=actor, at=at)
    return agency


def _lacks(agency: Agency, plan: ChannelPlan) -> bool:
    """Say whether an agency has no such channel. Files go beside messages; another way of messages is what stands."""
    wanted = plan.transport if plan.transport != "https" else ""
    return channel_of(agency, plan.direction, transport=wanted) is None


def _add_channel(agency: Agency, plan: ChannelPlan) -> Channel:
    channel = Channel.objects.create(
        agency=agency,
        direction=plan.direction,
        address=plan.address,
        allowed_cidrs=list(plan.allowed_cidrs),
        ca_file=plan.ca_file,
        is_ordered=plan.is_ordered,
        receiver_dedupes=plan.receiver_dedupes,
        retry_profile=plan.retry_profile,
        transport=plan.transport,
        timeout_seconds=plan.timeout_seconds,
        answers_folder=plan.answers_folder,
    )
    if plan.direction == "out":
        ChannelHealth.objects.create(channel=channel)
    return channel


def add_key(
    channel: Channel, secret: str, *, name: str, actor: Actor, at: datetime, kind: str = "hmac", public: str = ""
) -> ChannelKey:
    """Seal a further secret of a channel under a key of its own; the earlier ones stay live until revoked.

    Of a pair of ours `secret` is the private half; it is never shown, so `shown_at` is set at once.
    """
    agency = channel.agency
    detail = {"channel": str(channel.uid), "key_name": name}
    with ledger.action(agency.uid, "agency.key_added", actor=actor.label, at=at, detail=detail, source=actor.source):
        key = sealing.new_key("channel", at=at)
        row = ChannelKey(channel=channel, key_name=name, key=key, active_from=at, kind=kind, public=public)
        row.shown_at = None if kind == "hmac" else at
        sealing.seal(row, {"secret": secret}, key=key)
        row.save(force_insert=True)
    return row


def revoke_key(row: ChannelKey, *, actor: Actor, at: datetime) -> None:
    """End a key: nothing is signed with it and nothing signed with it is believed any more."""
    agency = row.channel.agency
    detail = {"channel": str(row.channel.uid), "key_name": row.key_name}
    with ledger.action(agency.uid, "agency.key_revoked", actor=actor.label, at=at, detail=detail, source=actor.source):
        row.revoked_at = at
        row.save(update_fields=["revoked_at"])


def live_partner_keys(agency: Agency, *, kind: str, at: datetime) -> list[PartnerKey]:
    """Return the public keys of an agency that count at a moment, newest first; expired ones are among them."""
    rows = PartnerKey.objects.filter(agency=agency, kind=kind, active_from__lte=at)
    return list(rows.filter(Q(revoked_at=None) | Q(revoked_at__gt=at)).order_by("-active_from", "-pk"))


def add_partner_key(
    agency: Agency,
    public: str,
    *,
    kind: str,
    fingerprint: str,
    expires_at: datetime | None,
    actor: Actor,
    at: datetime,
) -> PartnerKey:
    """Enter a public key of an agency; the earlier ones stay live until revoked."""
    detail = {"key_kind": kind, "fingerprint": fingerprint}
    verb = "agency.partner_key_added"
    unproved = BatchFile.objects.filter(channel__agency=agency, state="refused", reason__in=UNPROVED)
    unproved.update(state="stored")  # what was refused for want of this very key is looked at again
    with ledger.action(agency.uid, verb, actor=actor.label, at=at, detail=detail, source=actor.source):
        return PartnerKey.objects.create(
            agency=agency, kind=kind, public=public, fingerprint=fingerprint, expires_at=expires_at, active_from=at
        )


def revoke_partner_key(row: PartnerKey, *, actor: Actor, at: datetime) -> None:
    """End a public key: nothing is encrypted to it and nothing signed with it is believed any more."""
    detail = {"key_kind": row.kind, "fingerprint": row.fingerprint}
    verb = "agency.partner_key_revoked"
    with ledger.action(row.agency.uid, verb, actor=actor.label, at=at, detail=detail, source=actor.source):
        row.revoked_at = at
        row.save(update_fields=["revoked_at"])


class AlreadyShown(CaseError):
    """A secret is shown once; whoever lost it makes another key."""


@transaction.atomic
def show_once(row: ChannelKey, *, actor: Actor, at: datetime) -> str:
    """Return a key's secret, the only time. Locks the row; one act of the agency's stream and one access row.

    Raises AlreadyShown.
    """
    key = ChannelKey.objects.select_for_update(of=("self",)).select_related("channel__agency").get(pk=row.pk)
    if key.shown_at is not None or key.revoked_at is not None:
        raise AlreadyShown("The secret of this key was shown already, or the key has ended. Make another key.")
    agency = key.channel.agency
    detail = {"key_name": key.key_name}
    with ledger.action(agency.uid, "agency.key_shown", actor=actor.label, at=at, detail=detail, source=actor.source):
        key.shown_at = at
        key.save(update_fields=["shown_at"])
    reader = sealing.Reader(actor=actor.label, verb="show", purpose="hand_over_key", streams=(agency.uid,))
    ((found),) = sealing.open_rows([key], ["secret"], reader=reader, at=at)
    return str(found["secret"])


def change_channel(
    channel: Channel, verb: str, *, actor: Actor, at: datetime, cause: str = "", **values: object
) -> None:
    """Change columns of a channel (pause, resume, address) as one act of the agency's stream."""
    agency = channel.agency
    detail = {"channel": str(channel.uid), "cause": cause}
    with ledger.action(agency.uid, verb, actor=actor.label, at=at, detail=detail, source=actor.source):
        for name, value in values.items():
            setattr(channel, name, value)
        channel.save(update_fields=list(values))


def pause(
    channel: Channel, *, actor: Actor, at: datetime, cause: str, until: datetime | None, reason: str = ""
) -> None:
    """Stop what is sent on a channel, for a while or until somebody resumes it. A typed reason is sealed.

    Locks nothing: a try under way ends as it ends. One act of the agency's stream.
    """
    _set_state(channel, "paused", "agency.channel_paused", actor=actor, at=at, cause=cause, reason=reason)
    ChannelHealth.objects.filter(channel=channel).update(paused_until=until)


def is_paused_by_two(channel: Channel) -> bool:
    """Say whether two people agreed to the pause in which a channel is. One query, none when it is not paused."""
    if channel.state != "paused":
        return False
    paused = LedgerEvent.objects.filter(stream=channel.agency.uid, action="agency.channel_paused")
    last = paused.filter(body__contains=str(channel.uid)).order_by("-seq").first()
    return last is not None and last.content().get("detail", {}).get("cause") == AGREED


def resume(channel: Channel, *, actor: Actor, at: datetime, cause: str, reason: str = "") -> None:
    """Go on sending, with a closed circuit. One act of the agency's stream, and the end of tasks about the pause once
    nothing else of the agency is paused."""
    _set_state(channel, "active", "agency.channel_resumed", actor=actor, at=at, cause=cause, reason=reason)
    ChannelHealth.objects.filter(channel=channel).update(
        paused_until=None, circuit_open_until=None, consecutive_rejections=0, failing_since=None, pause_reason=""
    )


def _set_state(channel: Channel, state: str, verb: str, *, actor: Actor, at: datetime, cause: str, reason: str) -> None:
    agency = channel.agency
    key = sealing.new_key("agency", at=at) if reason else None
    with ledger.action(agency.uid, verb, actor=actor.label, at=at, reason=reason, key=key, source=actor.source):
        change_channel(channel, verb, actor=actor, at=at, cause=cause, state=state)
        if state == "active" and not agency.channels.filter(direction="out", state="paused").exists():
            for task in Task.objects.filter(kind="channel_paused", detail__agency=agency.code, closed_at=None):
                tasks.close(task, actor=actor, at=at, outcome="resumed")


def compartment(agency: Agency) -> Team | None:
    """Return the restricted team whose agency this is: nobody else may know that it called."""
    casetype = casetypes.restricted_with(agency.kind)
    return Team.objects.filter(code=casetype.team).first() if casetype else None


def desk_of(agency: Agency) -> Team | None:
    """Return the team that sees to what goes wrong with an agency and belongs to no case: the restricted one whose
    agency it is, else that of the first kind of case which deals with its like, else that of the first kind that is
    not restricted. One query at most."""
    usual = [each for each in casetypes.all_types() if agency.kind in each.agency_kinds]
    others = [each for each in casetypes.all_types() if not each.is_restricted]
    casetype = casetypes.restricted_with(agency.kind) or next(iter([*usual, *others]), None)
    return Team.objects.filter(code=casetype.team).first() if casetype else None
