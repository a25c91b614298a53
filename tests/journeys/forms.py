"""Reads the forms of a page and fills one in as a browser would: what the page does not offer cannot be typed."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any


@dataclass
class Form:
    """One form: where it goes, what it holds now, and what its fields let be chosen (None: anything)."""

    action: str = ""
    values: dict[str, list[str]] = field(default_factory=dict)
    offered: dict[str, set[str] | None] = field(default_factory=dict)

    def offer(self, name: str, value: str | None, *, is_chosen: bool) -> None:
        if value is None:
            self.offered[name] = None
        else:
            self.offered.setdefault(name, set()).add(value)  # type: ignore[union-attr]
        if is_chosen:
            self.values.setdefault(name, []).append(value or "")

    def filled(self, typed: dict[str, Any]) -> dict[str, Any]:
        """Return what is posted; fails for a field or a choice that the form does not have."""
        posted: dict[str, Any] = dict(self.values)
        for name, value in typed.items():
            assert name in self.offered, f"{self.action} has no {name}, but {sorted(self.offered)}"
            if not isinstance(value, bool | str | list):
                posted[name] = value  # a file
                continue
            choices = self.offered[name]
            given = {True: ["on"], False: []}[value] if isinstance(value, bool) else value
            given = [given] if isinstance(given, str) else given
            assert choices is None or set(given) <= choices, f"{name} offers {sorted(choices or ())}, not {given}"
            posted[name] = given
        return posted


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.form: Form | None = None
        self.select: tuple[str, bool] | None = None
        self.text: str | None = None

    def handle_starttag(  # noqa: C901 -- one branch for each kind of field
        self, tag: str, attrs: list[tuple[str, str | None]]
    ) -> None:
        each = dict(attrs)
        name, value = each.get("name") or "", each.get("value")
        if tag == "form":
            self.form = Form(action=each.get("action") or "")
            self.forms.append(self.form)
        elif self.form is None:
            return
        elif tag == "select":
            self.select = (name, "multiple" in each)
            self.form.offered.setdefault(name, set())
        elif tag == "option" and self.select:
            self._option(value or "", is_selected="selected" in each)
        elif tag == "textarea" and name:
            self.text = name
            self.form.offer(name, None, is_chosen=True)
        elif tag == "input" and name:
            self._input(name, value, each.get("type") or "text", is_chosen="checked" in each)
        elif tag == "button" and name:
            self.form.offer(name, value or "", is_chosen=False)

    def _input(self, name: str, value: str | None, kind: str, *, is_chosen: bool) -> None:
        assert self.form
        if kind in {"checkbox", "radio"}:
            self.form.offer(name, value or "on", is_chosen=is_chosen)
            return
        self.form.offered[name] = None
        if kind != "file":
            self.form.values[name] = [value or ""]

    def _option(self, value: str, *, is_selected: bool) -> None:
        assert self.form and self.select
        name, is_multiple = self.select
        if not is_multiple and not is_selected and name not in self.form.values:
            self.form.offer(name, value, is_chosen=True)  # the first one shows
            return
        if is_selected and not is_multiple:
            self.form.values[name] = []
        self.form.offer(name, value, is_chosen=is_selected)

    def handle_endtag(self, tag: str) -> None:
        self.form = None if tag == "form" else self.form
        self.select = None if tag == "select" else self.select
        self.text = None if tag == "textarea" else self.text

    def handle_data(self, data: str) -> None:
        if self.form and self.text:
            self.form.values[self.text] = [self.form.values[self.text][0] + data]


def of_page(html: str) -> list[Form]:
    """Return the forms of a page, in order."""
    reader = _Reader()
    reader.feed(html)
    return reader.forms
