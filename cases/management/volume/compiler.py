"""Turns one captured case into a template: finds in its rows, bodies and hashes what a repeat has otherwise."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

from django.db import models

from cases.kernel import approvals, casetypes
from cases.kernel.finding import index
from cases.kernel.models import Approval, CaseAddress, CaseParty, OutboxMessage, ReleasedItem, SearchEntry
from cases.ledger import keys
from cases.ledger.canonical import canon, commitment, microseconds, plain
from cases.ledger.models import DataKey, LedgerEvent
from cases.ledger.rows import digested_values
from cases.management.volume.capture import Captured, Secret, copied_cells
from cases.management.volume.people import FIELDS
from cases.management.volume.template import Event, Found, Key, Model, Person, Sealing, Template, Token
from cases.management.volume.text import Blanks, Text, number, uuids, word

BODIES = ("callback_body", "intake_body")
TOKENS = ("fraud_incident",)
HEX = "\\\\x"
NOT_COPIED = (SearchEntry,)  # its tokens are made anew from the people


class Compiler:
    """Builds one template. Each step names what later ones look up by the value it has in the captured case."""

    def __init__(self, found: Captured) -> None:
        self.found, self.blanks = found, Blanks()
        self.rows: dict[Model, dict[Any, Any]] = {m: rows for m, rows in found.rows.items() if m not in NOT_COPIED}
        self.cells = {model: copied_cells(model, list(rows)) for model, rows in self.rows.items()}
        self.met = "\n".join(cell for _, rows in self.cells.values() for cells in rows.values() for cell in cells)

    def compile(self) -> Template:
        """Return the template. Raises AssertionError where a hash of the case is not the one we would make."""
        case, blanks = self.found.case, self.blanks
        template = Template(
            ids={model: self._ids(model) for model in self.rows},
            uuids=[blanks.string(each) for each in uuids([self.met])],
            people=list(self._people()),
            reference=blanks.string(case.reference),
            year=int(case.reference.split("-")[1]),
            case_id=blanks.ids["cases.case", case.pk],
            numbered=[(blanks.string(each), each) for each in sorted(set(re.findall(r"SFR-\d{4}-\d{7}", self.met)))],
        )
        parents_first = sorted(self.rows[DataKey].values(), key=lambda row: row.parent_id is not None)
        template.keys = [self._key(row) for row in parents_first]
        template.tokens = [*self._fact_tokens(), *self._release_tokens()]
        template.sealings = [self._sealing(secret) for secret in self.found.secrets.values()]
        template.digests = [*self._approvals(), *self._history()]
        in_order = sorted(self.rows[LedgerEvent].values(), key=lambda row: row.seq)
        template.events = [self._event(row) for row in in_order]
        bodies = {str(event.seq): event.cell for event in template.events}
        template.lines = {model: self._lines(model, bodies) for model in self.rows}
        template.found = [self._found(row) for row in self.rows.get(CaseParty, {}).values()]
        template.account = next((self._plain(each) for each in self._secrets_of(case.uid, "account_reference")), None)
        template.count = blanks.count
        return template

    # --- numbers and people -----------------------------------------------------------------------------------

    def _ids(self, model: Model) -> list[int]:
        """Give every row of a model with numbers of its own a blank for its number."""
        if not isinstance(model._meta.pk, models.AutoField):
            return []
        made = {pk: self.blanks.new() for pk in self.rows[model]}
        self.blanks.ids |= {(model._meta.label_lower, pk): blank for pk, blank in made.items()}
        return list(made.values())

    def _people(self) -> Iterator[Person]:
        """Give each value of a person a blank; one that is met twice stays one."""
        people = {row.uid: ordinal for ordinal, row in enumerate(self.rows.get(CaseParty, {}).values())}
        people |= {row.uid: people[row.party.uid] for row in self.rows.get(CaseAddress, {}).values()}
        for secret in self.found.secrets.values():
            text = "" if secret.is_file or secret.field not in FIELDS else secret.plain.decode()
            if text and text not in self.blanks.plain:
                self.blanks.plain[text] = self.blanks.new()
                yield Person(self.blanks.plain[text], secret.field, people.get(secret.uid, 0))

    def _secrets_of(self, uid: Any, field: str) -> list[Secret]:
        facts_uid = casetypes.get(self.found.case.kind).facts.objects.get(case__uid=uid).uid  # type: ignore[attr-defined]
        return [each for each in self.found.secrets.values() if each.uid == facts_uid and each.field == field]

    def _found(self, party: CaseParty) -> Found:
        latest = {secret.ciphertext: secret for secret in self.found.secrets.values()}
        values = {
            name: self._plain(latest[getattr(party, name).ciphertext])
            for name in FIELDS
            if getattr(party, name, None) is not None
        }
        addresses = [row for row in self.rows.get(CaseAddress, {}).values() if row.party_id == party.pk]
        postcodes = tuple(
            (self.blanks.ids["cases.caseaddress", row.pk], self._plain(latest[row.postcode.ciphertext]))
            for row in addresses
            if row.postcode is not None
        )
        in_order = tuple((name, values[name]) for name in index.searched(values))
        return Found(self.blanks.ids["cases.caseparty", party.pk], in_order, postcodes)

    # --- what is sealed or keyed --------------------------------------------------------------------------------

    def _bytes(self, content: bytes) -> int:
        return self.blanks.string(HEX + content.hex())

    def _key(self, row: DataKey) -> Key:
        wrapped = self._bytes(bytes(row.wrapped or b""))
        return Key(row.pk, row.scope, row.parent_id, self.blanks.string(str(row.uid)), wrapped)

    def _fact_tokens(self) -> Iterator[Token]:
        case = self.found.case
        facts: Any = casetypes.get(case.kind).facts.objects.get(pk=case.pk)  # type: ignore[attr-defined]
        for column in (each.name for each in facts._meta.concrete_fields if each.name.endswith("_token")):
            token = bytes(getattr(facts, column) or b"")
            for purpose in (name for name in TOKENS if keys.keyed_hash(name, str(case.uid)) == token):
                yield Token(
                    purpose,
                    self.blanks.text(str(case.uid)),
                    hex=self.blanks.string(token.hex()),
                    cell=self._bytes(token),
                    committed=self.blanks.string(commitment(token)),
                )

    def _release_tokens(self) -> Iterator[Token]:
        case = self.found.case
        for item in self.rows.get(ReleasedItem, {}).values():
            content = [str(case.uid), self._released(item)]
            assert keys.keyed_hash("released_item", canon(content)).hex() == item.sha256
            text = self.blanks.json(self._named(content), _canonical)
            yield Token("released_item", text, hex=self.blanks.string(item.sha256))

    def _released(self, item: ReleasedItem) -> list[Any]:
        message = self.rows[OutboxMessage][item.release.message_id]
        body = json.loads(self.found.secrets[bytes(message.sealed_body)].plain)["data"]
        return [value for path, value in _leaves(body) if path in item.fields]

    def _sealing(self, secret: Secret) -> Sealing:
        hashes = {}
        if secret.is_file:
            hashes = {hashlib.sha256(secret.plain).hexdigest(): ""}
            hashes |= {keys.keyed_hash(purpose, secret.plain).hex(): purpose for purpose in BODIES}
        return Sealing(
            secret=secret,
            plain=self._plain(secret),
            encoding="utf-8" if self._content(secret) or not secret.is_file else "latin-1",
            uid=self.blanks.string(str(secret.uid)),
            stored=self._bytes(secret.ciphertext),
            committed=self.blanks.string(commitment(secret.ciphertext)),
            hashes=tuple((self.blanks.string(text), purpose) for text, purpose in hashes.items() if text in self.met),
        )

    def _content(self, secret: Secret) -> dict[str, Any]:
        try:
            content = json.loads(secret.plain) if secret.is_file else {}
        except ValueError:
            content = {}
        return content if isinstance(content, dict) else {}

    def _plain(self, secret: Secret) -> Text:
        if content := self._content(secret):
            return self.blanks.json(self._named(content), _compact)
        text = secret.plain.decode("latin-1" if secret.is_file else "utf-8")
        if text in self.blanks.plain:
            return Text("%s", (self.blanks.plain[text],))
        return Text(text.replace("%", "%%"), ())

    def _named(self, content: Any) -> Any:
        """Mark the values of people among the leaves of a body."""
        if isinstance(content, dict):
            return {name: self._named(value) for name, value in content.items()}
        if isinstance(content, list):
            return [self._named(value) for value in content]
        is_known = isinstance(content, str) and content in self.blanks.plain
        return word(self.blanks.plain[content]) if is_known else content

    # --- digests, events, rows ----------------------------------------------------------------------------------

    def _marked(self, model: Model, values: dict[str, Any]) -> dict[str, Any]:
        columns = {each.attname: each for each in model._meta.concrete_fields}
        return {name: self._mark(columns[name], value) for name, value in values.items()}

    def _mark(self, column: Any, value: Any) -> Any:
        blank = self._number(column, value)
        return value if blank is None else number(blank)

    def _number(self, column: Any, value: Any) -> int | None:
        """Return the blank of the number of one of this case's rows, met in this column."""
        while isinstance(column, models.ForeignKey):
            column = column.target_field
        live = getattr(column.model, "instance_type", column.model)
        if column.primary_key:
            return self.blanks.ids.get((column.model._meta.label_lower, value))
        is_live_number = live is not column.model and column.attname == live._meta.pk.attname
        return self.blanks.ids.get((live._meta.label_lower, value)) if is_live_number else None

    def _approvals(self) -> Iterator[tuple[int, Text, bool]]:
        """Yield the digest of what waits for approval now. One that is past stays as it was."""
        case = self.found.case
        for approval in self.rows.get(Approval, {}).values():
            if approval.closed_at is None and approval.mode == "before":
                rows = casetypes.get(case.kind).approval_rows(case)
                content: list[Any] = [plain(approvals._row_content(row)) for row in rows]
                assert hashlib.sha256(canon(content)).hexdigest() == approval.digest
                pairs = zip(rows, content, strict=True)
                marked = [[label, self._marked(type(row), values)] for row, (label, values) in pairs]
                yield self.blanks.string(approval.digest), self.blanks.json(marked, _canonical), True

    def _history(self) -> Iterator[tuple[int, Text, bool]]:
        for model, rows in self.rows.items():
            for row in rows.values() if hasattr(model, "instance_type") else ():
                values: dict[str, Any] = digested_values(row)
                text = self.blanks.json(self._marked(model, values), _canonical)
                yield self.blanks.string(commitment(canon(values))), text, False

    def _event(self, row: LedgerEvent) -> Event:
        content = row.content()
        for entry in content["changes"]:
            self._mark_entry(entry)
        return Event(
            body=self.blanks.json(content, _canonical),
            seq=row.seq,
            recorded=microseconds(row.recorded_at),
            id=self.blanks.ids["cases.ledgerevent", row.pk],
            cell=self.blanks.new(),
            hash=self._bytes(bytes(row.hash)),
        )

    def _mark_entry(self, entry: dict[str, Any]) -> None:
        live: Any = next(model for model in self.rows if model._meta.label_lower == entry["m"])
        entry["h"] = self._mark(live.history_model._meta.pk, entry["h"])
        entry["k"] = self._mark(live._meta.pk, entry["k"])
        for name, pair in entry.get("f", {}).items():
            entry["f"][name] = [self._mark(live._meta.get_field(name), value) for value in pair]

    def _lines(self, model: Model, bodies: dict[str, int]) -> tuple[list[str], Text]:
        """Return the columns of a table and its rows of this case, all in one text."""
        names, rows = self.cells[model]
        columns = {each.column: each for each in model._meta.concrete_fields}
        lines = []
        for cells in rows.values():
            marked = []
            for name, cell in zip(names, cells, strict=True):
                blank = self._number(columns[name], int(cell)) if cell.isdigit() else None
                marked.append(cell if blank is None else word(blank))
            if model is LedgerEvent:
                marked[names.index("body")] = word(bodies[cells[names.index("seq")]])
            lines.append("\t".join(marked) + "\n")
        return names, self.blanks.text("".join(lines))


def _canonical(content: object) -> str:
    return canon(content).decode()


def _compact(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, path)
    else:
        yield path, value
