"""The register of agencies: list it with its health, enter an agency, pause or resume what is sent to one."""

import argparse
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Count, Min, Q

from cases.agencies.addresses import AddressRefused, NotResolved, pin
from cases.kernel import actors
from cases.kernel.errors import CaseError
from cases.kernel.exchange import agencies
from cases.kernel.exchange.agencies import ChannelPlan, Listing
from cases.kernel.exchange.agreements import Terms
from cases.kernel.models import Channel

ACTOR = actors.system("agencies")


class Command(BaseCommand):
    """Every change is an act in the agency's own stream of the ledger."""

    help = "List the agencies and how their channels fare; add one; pause or resume what is sent to one."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act")
        add = acts.add_parser("add", help="enter an agency with a channel each way")
        add.add_argument("code")
        add.add_argument("--kind", required=True, help="fpa, post, cra, dca, lea …")
        add.add_argument("--name", required=True, help="how staff know it")
        add.add_argument("--address", required=True, help="the https address of its messages")
        add.add_argument("--secret-file", type=Path, required=True, help="a file with the whsec_ secret we sign with")
        add.add_argument("--ca-file", default="", help="its private certificate authority")
        add.add_argument("--cidr", action="append", default=[], help="a private range it may be reached in")
        add.add_argument("--unordered", action="store_true", help="a message need not wait for the one before it")
        add.add_argument("--country", default="GB", help="where it is established, as two letters")
        for name in ("contract", "sharing"):
            add.add_argument(f"--{name}", default="", metavar="REFERENCE", help=f"the {name} agreement")
            for part in ("from", "until", "review"):
                add.add_argument(f"--{name}-{part}", type=date.fromisoformat, metavar="YYYY-MM-DD")
        for name, how in (("pause", "pause for an hour"), ("resume", "resume")):
            acts.add_parser(name, help=f"{how} what is sent to an agency").add_argument("code")

    def handle(self, *_args: Any, act: str | None, **options: Any) -> None:
        """List, or make one change."""
        at = datetime.now(UTC)
        try:
            if act == "add":
                self._add(options, at=at)
            elif act in ("pause", "resume"):
                self._set(options["code"], "paused" if act == "pause" else "active", at=at)
            else:
                self._list(at=at)
        except (CaseError, OSError) as error:
            raise CommandError(str(error)) from error

    def _list(self, *, at: datetime) -> None:
        waiting = Q(messages__state__in=("pending", "sending"))
        stuck = Q(messages__state__in=("dead", "unknown"))
        rows = Channel.objects.filter(direction="out").exclude(state="disabled").select_related("agency", "health")
        for row in rows.order_by("agency__code", "pk").annotate(
            waiting=Count("messages", filter=waiting),
            stuck=Count("messages", filter=stuck),
            oldest=Min("messages__created_at", filter=waiting),
        ):
            minutes = int((at - row.oldest).total_seconds() // 60) if row.oldest else 0
            self.stdout.write(
                f"{row.agency.code:28} {row.state:8} {row.waiting} waiting ({minutes} min), {row.stuck} stuck, "
                f"{row.health.consecutive_failures} failures in a row"
            )

    def _add(self, options: dict[str, Any], *, at: datetime) -> None:
        secret = options["secret_file"].read_text().strip()
        if not secret.startswith("whsec_"):
            raise CommandError("The secret file holds no whsec_ secret.")
        cidrs = tuple(options["cidr"])
        try:
            pin(options["address"], allowed_cidrs=cidrs)
        except (AddressRefused, NotResolved) as error:
            raise CommandError(f"Nothing would be sent to that address: {error}.") from error
        out = ChannelPlan(
            direction="out",
            address=options["address"],
            allowed_cidrs=cidrs,
            ca_file=options["ca_file"],
            is_ordered=not options["unordered"],
        )
        listing = Listing(
            code=options["code"],
            kind=options["kind"],
            display_name=options["name"],
            country=options["country"],
            terms=_terms(options),
            channels=(ChannelPlan(direction="in"), out),
        )
        row = agencies.register(listing, actor=ACTOR, at=at)
        channel = agencies.channel_of(row, "out")
        if channel is not None and not agencies.live_keys(channel, at=at):
            agencies.add_key(channel, secret, name=f"out-{at:%Y%m%d}", actor=ACTOR, at=at)
        self.stdout.write(
            f"{row.code} is in the register; make its key for calls to us with agency_keys {row.code} --new."
        )

    def _set(self, code: str, state: str, *, at: datetime) -> None:
        channels = agencies.channels_out(agencies.get(code))
        if not channels:
            raise CommandError(f"Nothing is sent to {code}.")
        if state == "active" and any(agencies.is_paused_by_two(channel) for channel in channels):
            raise CommandError("Two people agreed to this pause, so two end it: propose the end on its page.")
        for channel in (each for each in channels if each.state != state):
            if state == "paused":
                until = at + agencies.LONGEST_ALONE
                agencies.pause(channel, actor=ACTOR, at=at, cause="operator", until=until)
            else:
                agencies.resume(channel, actor=ACTOR, at=at, cause="operator")
        self.stdout.write(f"What is sent to {code} is {state}.")


def _terms(options: dict[str, Any]) -> Terms:
    dates = {
        f"{name}_{part}_date": options[f"{name}_{part}"]
        for name in ("contract", "sharing")
        for part in ("from", "until", "review")
    }
    return Terms(
        contract_reference=options["contract"],
        sharing_reference=options["sharing"],
        **dates,
    )
