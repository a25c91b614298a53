"""What somebody had typed when they were asked to show who they are: sealed in the session, and offered once more to
them alone. Nothing of it is done before they press the button.

Two things ask: a grave act for the second factor (see cases.web.stepup), and a session that ended, for signing in.
"""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest

from cases.web.signin.secrets import SecretUnreadable, open_secret, seal_secret

__all__ = [
    "SIGN_IN",
    "STEP_UP",
    "after_the_end",
    "belongs_to",
    "drop",
    "is_waiting",
    "keep",
    "note_the_end",
    "posted",
    "typed",
]

STEP_UP, SIGN_IN = "step_up_draft", "sign_in_draft"
ENDED_FOR = "ended_for"
# For how long each is kept, in seconds: whoever comes back to an ended session may have been away for a while.
SECONDS = {STEP_UP: 900, SIGN_IN: 3600}
LONGEST = 200_000


def keep(request: HttpRequest, slot: str, person: int) -> None:
    """Keep what was posted for one person; files are not. What is too long to keep leaves nothing, nor does what was
    kept before: an older act is not offered as what was typed now."""
    fields = [[name, value] for name, values in request.POST.lists() for value in values]
    draft = {
        "path": request.get_full_path(),
        "fields": [pair for pair in fields if pair[0] != "csrfmiddlewaretoken"],
        "had_files": bool(request.FILES),
        "user": person,
    }
    drop(request, slot)
    text = json.dumps(draft)
    if len(text) <= LONGEST:
        request.session[slot] = seal_secret(text)


def typed(request: HttpRequest, slot: str) -> dict[str, Any] | None:
    """Return what the person signed in had posted, unless it is too old or somebody else's."""
    draft = _opened(request, slot)
    return draft if draft and request.user.is_authenticated and draft["user"] == request.user.pk else None


def drop(request: HttpRequest, slot: str) -> None:
    """Keep nothing any more."""
    request.session.pop(slot, None)


def posted(request: HttpRequest) -> None:
    """Drop what was kept at the end of a session once it is posted: it is never offered a second time."""
    if request.method == "POST" and SIGN_IN in request.session:
        draft = typed(request, SIGN_IN)
        if draft and draft["path"] == request.get_full_path():
            drop(request, SIGN_IN)


def note_the_end(request: HttpRequest, person: int | None) -> None:
    """Remember in the empty session that follows whose session has ended; the browser has only its number."""
    request.session[ENDED_FOR] = person


def is_waiting(request: HttpRequest) -> bool:
    """Say whether something waits for somebody to sign in again."""
    return _opened(request, SIGN_IN) is not None


def after_the_end(request: HttpRequest) -> None:
    """Keep what was posted to a page of the office from a session that has just ended, or that a request before this
    one ended, for whoever was signed in. Called once the form's token was checked and nothing was done.

    What a page asks for by itself holds nothing typed, and the pages of sign-in hold secrets.
    """
    person = request.session.get(ENDED_FOR)
    match = request.resolver_match
    is_typed = request.method == "POST" and not getattr(request, "htmx", False)
    if person is not None and is_typed and match is not None and match.namespaces:
        keep(request, SIGN_IN, person)


def belongs_to(request: HttpRequest, person: int) -> bool:
    """Say whether something is kept for whoever signs in now. Of somebody else's nothing stays."""
    request.session.pop(ENDED_FOR, None)
    draft = _opened(request, SIGN_IN)
    if draft and draft["user"] == person:
        return True
    drop(request, SIGN_IN)
    return False


def _opened(request: HttpRequest, slot: str) -> dict[str, Any] | None:
    try:
        draft: dict[str, Any] = json.loads(open_secret(request.session.get(slot, ""), ttl=SECONDS[slot]))
    except (SecretUnreadable, ValueError):
        return None
    return draft
