"""What an agency says that does not fit what is on record: kept by a code of its family, said to people in a sentence.

It is neither applied nor put aside: it waits with the callback until somebody has asked the agency.
"""

from __future__ import annotations

from collections.abc import Mapping

from cases.kernel import tasks
from cases.kernel.transitions import TransitionRefused

__all__ = ["DoesNotFit", "declare", "why"]

REFUSED = "refused:"
UNSAID = "The case as it stands cannot take this. Compare the two, and ask the agency where they differ."
_LACKS = "It lacks what its type needs, or says it in a form that is not read. Ask the agency to send it anew."
_SENTENCES: dict[str, str] = {"NotSaid": _LACKS, "NotUnderstood": _LACKS}


class DoesNotFit(TransitionRefused):
    """An agency says what cannot be so beside what is on record; `problem` is the code of why."""

    def __init__(self, problem: str) -> None:
        super().__init__(_SENTENCES[problem])
        self.problem = problem


def declare(sentences: Mapping[str, str]) -> None:
    """Add a family's codes, each with the sentence that says what does not fit and whom to ask. Called while families
    load."""
    _SENTENCES.update(sentences)


def why(reason: str) -> str:
    """Return the sentence for the reason that a callback keeps: of one for which no family has words, what is so of
    every callback that was refused. Nothing for a reason of another sort."""
    return (_said(reason) or UNSAID) if reason.startswith(REFUSED) else ""


def _said(reason: str) -> str:
    return _SENTENCES.get(reason.removeprefix(REFUSED), "")


def _more(detail: Mapping[str, object]) -> str:
    said = _said(str(detail.get("reason", "")))
    return said[:1].lower() + said[1:].removesuffix(".")


tasks.declare({}, more={"callback_not_applied": _more})
