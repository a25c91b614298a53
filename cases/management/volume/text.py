"""Text with blanks that are filled in for each repeat: which parts of a row, a body or a hash differ."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Any

Values = list[str]
_WORDS = re.compile(r"(\ue000\d+\ue001|\\\\x[0-9a-f]+|[A-Za-z0-9_-]{8,})")
_UUIDS = re.compile(r"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})")


@dataclass(frozen=True)
class Text:
    """A text and the numbers of the values that fill its blanks, in order."""

    form: str
    blanks: tuple[int, ...]

    @cached_property
    def _pick(self) -> Callable[[Values], Any]:
        """Take the values of the blanks; one alone comes bare, which fills a form as well."""
        return itemgetter(*self.blanks) if self.blanks else lambda _values: ()

    def fill(self, values: Values) -> str:
        return self.form % self._pick(values)


class Blanks:
    """Numbers the values that differ from one repeat to the next, and finds them in text."""

    def __init__(self) -> None:
        self.count = 0
        self.ids: dict[tuple[str, object], int] = {}
        self.strings: dict[str, int] = {}
        self.plain: dict[str, int] = {}

    def new(self) -> int:
        self.count += 1
        return self.count - 1

    def string(self, text: str) -> int:
        """Return the blank for a string that stands for this case wherever it is met."""
        if text not in self.strings:
            self.strings[text] = self.new()
        return self.strings[text]

    def text(self, raw: str) -> Text:
        """Return `raw` with every known string, and every mark, made a blank."""
        blanks: list[int] = []
        form = []
        for piece in self._pieces(raw):
            blank = int(piece[1:-1]) if piece.startswith("\ue000") else self.strings.get(piece)
            form.append(piece.replace("%", "%%") if blank is None else "%s")
            if blank is not None:
                blanks.append(blank)
        return Text("".join(form), tuple(blanks))

    def _pieces(self, raw: str) -> Iterator[str]:
        """Cut at marks and at whatever may be a known string: one may be part of a longer word only if it is a UUID."""
        for piece in _WORDS.split(raw):
            if piece in self.strings:
                yield piece
            else:
                yield from _UUIDS.split(piece)

    def json(self, content: object, dump: Callable[[object], str]) -> Text:
        """Return JSON whose marked leaves (`number` and `word`) are blanks: numbers lose the quotes of their mark."""
        return self.text(re.sub('"\ue002(\\d+)\ue001"', "\ue000\\1\ue001", dump(content)))


def number(blank: int) -> str:
    """Return the mark of a blank that is a number in JSON."""
    return f"\ue002{blank}\ue001"


def word(blank: int) -> str:
    """Return the mark of a blank inside a string."""
    return f"\ue000{blank}\ue001"


def uuids(texts: Sequence[str]) -> list[str]:
    """Return every UUID met in these texts, once each."""
    return list(dict.fromkeys(found for text in texts for found in _UUIDS.findall(text)))
