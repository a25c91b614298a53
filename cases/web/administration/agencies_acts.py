"""What people do on an agency's page: send again, give up, match, ignore, pause for an hour, resume. One call each."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from cases.agencies import matching, register
from cases.kernel import policy
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError, NotAllowed, NotVisible
from cases.kernel.exchange import agencies, deadletters, exchanges
from cases.kernel.models import Callback, Case, Channel, ChannelKey, OutboxMessage, Proposal
from cases.web import asking, stepup
from cases.web.administration import agencies as pages
from cases.web.refusals import Problem, screen, status_of

__all__ = ["callback", "key", "message", "pause", "resume"]

MAKE = "agency_key_make"


class ActRefused(CaseError):
    """What was asked for cannot be done like this; the message says why."""


def _do(
    request: HttpRequest, code: str, view: str, act: Callable[[], object], said: str, *, about: str = ""
) -> HttpResponse:
    """Make the call and say what is now so, or draw the agency with the refusal and what was typed."""
    try:
        act()
    except (NotAllowed, NotVisible):
        raise
    except CaseError as refusal:
        typed = {name: request.POST.get(name, "") for name in ("reason", "reference", "candidate")} | {"about": about}
        problem = Problem(sentence=str(refusal), anchor="")
        return pages.show(request, code, problems=[problem], typed=typed, view=view, status=status_of(refusal))
    messages.success(request, said)
    return HttpResponseRedirect(f"{reverse('web:agency', args=[code])}?view={view}")


@screen
@require_POST
def message(request: HttpRequest, message: UUID) -> HttpResponse:
    """Send a stuck message again, or give it up, with a reason."""
    actor, at = asking.actor_of(request), asking.now()
    row = OutboxMessage.objects.select_related("case", "channel__agency").filter(public_id=message).first()
    if row is None:
        raise NotVisible
    if row.case is None:
        _require_files(actor, row)
    elif not policy.visible_to(actor).filter(pk=row.case.pk).exists():
        raise NotVisible
    else:
        policy.require(actor, "close_task", case=row.case)
    is_again = request.POST.get("act") == "again"
    decide = deadletters.try_again if is_again else deadletters.skip
    said = "The message is sent again." if is_again else "The message was given up. What waits behind it goes on."
    reason = request.POST.get("reason", "")
    code = row.channel.agency.code
    return _do(request, code, "stuck", lambda: decide(row, actor=actor, at=at, reason=reason), said, about=str(message))


def _require_files(actor: Actor, row: OutboxMessage) -> None:
    """A file of many cases is decided about by whoever keeps the directory going."""
    if exchanges.is_closed_to(actor, row.channel.agency):
        raise NotVisible
    policy.require(actor, exchanges.OPERATE)


@screen
@require_POST
def callback(request: HttpRequest, callback: UUID) -> HttpResponse:
    """Say to which case a callback belongs, or that nothing follows from it, with a reason."""
    actor, at = asking.actor_of(request), asking.now()
    row = Callback.objects.select_related("case", "agency").filter(uid=callback).first()
    if row is None or exchanges.is_closed_to(actor, row.agency):
        raise NotVisible
    known = exchanges.may_know(actor, {row.case_id} if row.case_id else set())
    if row.case_id and not known:
        raise NotVisible
    if not pages.may_review(actor, row, known):
        raise NotAllowed("This needs somebody who works on cases of this agency.")
    reason = request.POST.get("reason", "")

    def match() -> None:
        case = _case(actor, request.POST.get("reference", "").strip() or request.POST.get("candidate", ""))
        matching.match(row, case, actor=actor, at=at, reason=reason)

    def ignore() -> None:
        matching.ignore(row, actor=actor, at=at, reason=reason)

    is_match = request.POST.get("act") == "match"
    said = "The callback is applied to this case within seconds." if is_match else "The callback was ignored."
    return _do(request, row.agency.code, "review", match if is_match else ignore, said, about=str(row.uid))


def _case(actor: Actor, reference: str) -> Case:
    wanted = reference.replace("\0", "").strip()[:40]
    found = policy.visible_to(actor).filter(reference__iexact=wanted).first() if wanted else None
    if found is None:
        raise ActRefused("You see no case with this reference.")
    policy.require(actor, "close_task", case=found)
    return found


@screen
@require_POST
@never_cache
def key(request: HttpRequest, name: str) -> HttpResponse:
    """Show the secret of a key that was agreed to, once, to whoever asked for it."""
    actor, at = asking.actor_of(request), asking.now()
    policy.require(actor, f"propose.{MAKE}")
    if (answer := stepup.require(request)) is not None:
        return answer
    row = ChannelKey.objects.select_related("channel__agency").filter(key_name=name).first()
    mine = Proposal.objects.filter(kind=MAKE, state="agreed", maker_id=actor.user_id)
    if row is None or name not in {register.key_name(each.uid, row.channel.direction) for each in mine}:
        raise NotVisible
    code = row.channel.agency.code
    try:
        secret = agencies.show_once(row, actor=actor, at=at)
    except agencies.AlreadyShown as refusal:
        return pages.show(request, code, problems=[Problem(sentence=str(refusal))], status=status_of(refusal))
    shown = {"agency": row.channel.agency, "key": row, "secret": secret}
    return render(request, "cases/agencies/key.html", shown)


def _channels(actor: Actor, code: str) -> tuple[Channel, ...]:
    listed = exchanges.get(actor, code, at=asking.now())
    policy.require(actor, exchanges.OPERATE)
    if listed.is_closed or not listed.channels:
        raise NotVisible
    return listed.channels


def _reason(request: HttpRequest) -> str:
    reason = request.POST.get("reason", "").strip()
    if not reason:
        raise ActRefused("Say why, for the record.")
    return reason[:2000]


@screen
@require_POST
def pause(request: HttpRequest, code: str) -> HttpResponse:
    """Stop what is sent to an agency, messages and files, for an hour; longer needs a second person."""
    actor, at = asking.actor_of(request), asking.now()
    active = [channel for channel in _channels(actor, code) if channel.state != "paused"]

    def act() -> None:
        reason = _reason(request)
        if not active:
            raise ActRefused("It is paused already.")
        until = at + agencies.LONGEST_ALONE
        for channel in active:
            agencies.pause(channel, actor=actor, at=at, cause="operator", until=until, reason=reason)

    return _do(request, code, "deliveries", act, "Nothing is sent to this agency for an hour.")


@screen
@require_POST
def resume(request: HttpRequest, code: str) -> HttpResponse:
    """Send again to a paused agency; a pause that two people agreed to is ended by two."""
    actor, at = asking.actor_of(request), asking.now()
    paused = [channel for channel in _channels(actor, code) if channel.state == "paused"]

    def act() -> None:
        reason = _reason(request)
        if not paused:
            raise ActRefused("It is not paused.")
        if any(agencies.is_paused_by_two(channel) for channel in paused):
            raise ActRefused("Two people agreed to this pause, so two end it: propose the end of the pause.")
        for channel in paused:
            agencies.resume(channel, actor=actor, at=at, cause="operator", reason=reason)

    return _do(request, code, "deliveries", act, "Sending to this agency goes on.")
