"""Wordings of letters as versioned rows, changed by two people. A letter keeps the version it was asked for with.

There is no template language: plain paragraphs, headings, lists, and placeholders of a closed set in braces. A line
whose placeholder has nothing to say is left out, so that no condition has to be written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django import forms

from cases.kernel import calendars
from cases.kernel.actors import Actor
from cases.kernel.exchange import letters
from cases.kernel.models import LetterText
from cases.kernel.office.changeforms import ChangeForm
from cases.kernel.office.kinds import Change, Kind, Line, Payload

__all__ = ["KINDS", "PLACEHOLDERS", "Block", "blocks", "faults", "in_force", "placeholders", "text_of", "versions"]

PLACEHOLDERS: Mapping[str, str] = {
    "name": "Name of the person the letter goes to",
    "reference": "Our reference",
    "date": "Date of the letter",
    "firm": "Name of the firm",
    "desk": "Name of the desk that answers",
    "matter": "What the case is about, in the words of its kind",
    "told": "Which kinds of data were passed on",
    "agency": "Name of the agency that was told",
    "keep_for": "How long the record about this person is kept, as its rule has it",
    "keep_until": "Last day on which the record about this person is kept",
    "contact": "How to reach us, as a block of its own",
    "agency_contact": "How to reach the agency, as a block of its own",
    "complaints": "Where to go with a complaint, as a block of its own",
}
OWN_LINE = frozenset({"contact", "agency_contact", "complaints"})
HOLE = re.compile(r"\{([^{}\n]*)\}")
LONGEST = 20_000
SHAPES = (("# ", "heading"), ("## ", "subheading"), ("- ", "item"))
START = "# Heading of the letter\n\nDear {name},\n\n\n\nYours sincerely,\n\n{desk}\n"

# Said of {?}, which stands in the lines of a built-in wording for a value that only the built-in wording can name.
OPEN_WORDS = "{?} stands for what only the built-in wording can say: write the sentence without it."


@dataclass(frozen=True, kw_only=True)
class Block:
    """One block of a letter: heading, subheading, paragraph, item, or the name of a placeholder that is a block."""

    shape: str
    text: str


def placeholders(code: str) -> dict[str, str]:
    """Return the closed set for one letter: the common ones and those its family declares."""
    template = letters.TEMPLATES.get(code)
    return {**PLACEHOLDERS, **(dict(template.extra) if template else {})}


def faults(code: str, body: str) -> list[str]:
    """Return a sentence for everything a wording may not hold."""
    known = placeholders(code)
    found = [OPEN_WORDS] if "{?}" in body else []
    body = body.replace("{?}", "")
    found += [f"There is no placeholder {{{name}}}." for name in dict.fromkeys(HOLE.findall(body)) if name not in known]
    if "{" in HOLE.sub("", body) or "}" in HOLE.sub("", body):
        found.append("A brace stands alone; placeholders are written {name}.")
    for line in body.splitlines():
        holes = HOLE.findall(line)
        found += [
            f"{{{name}}} is a block and stands on a line of its own."
            for name in holes
            if name in OWN_LINE and line.strip() != f"{{{name}}}"
        ]
    if "name" not in HOLE.findall(body):
        found.append("A letter addresses its reader: use {name}.")
    return found


def blocks(body: str, values: Mapping[str, str]) -> list[Block]:
    """Return a wording filled in. A line with an empty placeholder is left out; block placeholders keep their name."""
    found = []
    for raw in body.splitlines():
        line = raw.strip()
        holes = HOLE.findall(line)
        if not line or any(not values.get(name) for name in holes if name not in OWN_LINE):
            continue
        if len(holes) == 1 and holes[0] in OWN_LINE:
            found.append(Block(shape=holes[0], text=""))
            continue
        mark, shape = next(((mark, shape) for mark, shape in SHAPES if line.startswith(mark)), ("", "paragraph"))
        found.append(Block(shape=shape, text=HOLE.sub(lambda hole: values[hole[1]], line.removeprefix(mark))))
    return found


def versions(code: str) -> list[LetterText]:
    """Return every version that is a row, newest first, with the change that made it."""
    rows = LetterText.objects.filter(code=code).select_related("proposal__maker", "proposal__checker")
    return list(rows.order_by("-version"))


def in_force(code: str, *, on: date) -> LetterText | None:
    """Return the version that holds on a day, or None while the built-in wording does."""
    return LetterText.objects.filter(code=code, effective_from__lte=on).order_by("-version").first()


def text_of(code: str, version: int) -> LetterText | None:
    """Return one version, or None for the built-in wording."""
    return LetterText.objects.filter(code=code, version=version).first()


class LetterForm(ChangeForm):
    """A new wording of one letter, in force from a day on."""

    hints = (
        "One line is one paragraph. # begins the heading, ## a heading inside, - a line of a list.",
        "A line whose placeholder has nothing to say is left out of the letter.",
    )
    code = forms.CharField(widget=forms.HiddenInput)
    effective_from = forms.DateField(
        label="In force from", widget=forms.DateInput(attrs={"type": "date"}), help_text="Letters asked for from then."
    )
    body = forms.CharField(
        label="Wording", max_length=LONGEST, widget=forms.Textarea(attrs={"rows": 24, "spellcheck": "true"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        code = str(self.initial.get("code", self.data.get("code", ""))).replace("\0", "")
        last = next(iter(versions(code)), None)
        self.initial = {"body": last.body if last else START, **self.initial}
        self.fields["body"].help_text = "Placeholders: " + ", ".join(
            f"{{{name}}} {words[:1].lower()}{words[1:]}" for name, words in placeholders(code).items()
        )


def _state(payload: Payload) -> dict[str, Any]:
    last = next(iter(versions(payload["code"])), None)
    declared = letters.TEMPLATES[payload["code"]].version if payload["code"] in letters.TEMPLATES else 0
    return {"version": last.version if last else declared}


def _check(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    if payload["code"] not in letters.TEMPLATES:
        return {"code": "There is no such letter."}
    found = faults(payload["code"], payload["body"])
    errors = {"body": " ".join(found)} if found else {}
    if date.fromisoformat(payload["effective_from"]) < calendars.london_date(at):
        errors["effective_from"] = "A wording takes effect today or later."
    return errors


def _describe(before: Payload, payload: Payload) -> list[Line]:
    old = text_of(payload["code"], before["version"])
    return [
        Line(label="Version", old=str(before["version"]), new=str(before["version"] + 1)),
        Line(label="In force from", old="", new=f"{date.fromisoformat(payload['effective_from']):%-d %B %Y}"),
        Line(label="Wording", old=old.body if old else "The built-in wording", new=payload["body"]),
    ]


def _apply(change: Change) -> None:
    LetterText.objects.create(
        code=change.payload["code"],
        version=change.proposal.before["version"] + 1,
        effective_from=date.fromisoformat(change.payload["effective_from"]),
        body=change.payload["body"],
        proposal=change.proposal,
    )


KINDS = (
    Kind(
        code="letter_text",
        label="Change the wording of a letter",
        makers=frozenset({"system_administrator"}),
        checkers=frozenset({"data_protection_officer"}),
        subject=lambda payload: f"letter/{payload['code']}",
        state=_state,
        check=_check,
        describe=_describe,
        apply=_apply,
        title=lambda row: f"New wording of letter {row.payload['code'].upper()}",
        form=LetterForm,
    ),
)
