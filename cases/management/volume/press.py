"""Prints repeats of templates into the database: fills the blanks of each and copies the rows in, table by table."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import struct
from collections import defaultdict
from collections.abc import Sequence
from itertools import islice
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from django.db import connection, transaction

from cases.kernel.finding import index
from cases.kernel.models import SearchEntry
from cases.ledger import keys
from cases.ledger.canonical import commitment
from cases.management.volume.compiler import HEX
from cases.management.volume.people import FIELDS
from cases.management.volume.template import NOWHERE, Event, Model, Sealing, Template

PEOPLE_OF_A_CASE = 8
NAMES = ("forename", "surname")  # of these there are few enough to keep what each is found by
NUMBERS = struct.Struct(">qqq")
SEARCH_COLUMNS = ["case_id", "party_id", "space", "version", "tokens", "layout"]
# The sequence is named once: looked up for each number, it would cost more than the number.
FRESH_IDS = """
SELECT array_agg(nextval(numbers))
FROM (SELECT pg_get_serial_sequence(%s, %s)::regclass AS numbers OFFSET 0) AS of_table, generate_series(1, %s)
"""

Part = tuple[str, str]  # tokens with commas between, and their layout


class Press:
    """Makes repeats, one transaction for each call of `run`. Opens the wrapping key once: it is for setting up."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.kek_id = keys.current_kek()
        self.wrap = AESSIV(keys.load(self.kek_id))
        self.index_key = keys.load(keys.index_keys()[0])
        self.blinder = index.Blinder(index.OFFICE, keys.index_versions()[-1])
        self.known: dict[tuple[str, str | None], Part] = {}

    def run(self, work: Sequence[tuple[Template, int, int]]) -> None:
        """Write one repeat for each (template, number of its people, number of its reference)."""
        with transaction.atomic():
            fresh = _fresh_ids([template for template, _, _ in work])
            tables: dict[Model, list[str]] = defaultdict(list)
            columns: dict[Model, list[str]] = {}
            entries: list[str] = []
            for template, people, reference in work:
                values = self._fill(template, fresh, people=people, reference=reference)
                entries += self._entries(template, values)
                for model, (names, text) in template.lines.items():
                    columns[model] = names
                    tables[model].append(text.fill(values))
            for model, lines in tables.items():
                _copy(model, columns[model], lines)
            _copy(SearchEntry, SEARCH_COLUMNS, entries)

    def _fill(self, template: Template, fresh: dict[Model, Any], *, people: int, reference: int) -> list[str]:
        values = [""] * template.count
        for model, blanks in template.ids.items():
            for blank in blanks:
                values[blank] = str(next(fresh[model]))
        for blank, uid in zip(template.uuids, _random_uuids(len(template.uuids)), strict=True):
            values[blank] = uid
        for person in template.people:
            values[person.blank] = FIELDS[person.field](people * PEOPLE_OF_A_CASE + person.ordinal)
        values[template.reference] = f"{self.prefix}-{template.year}-{reference:06d}"
        for blank, seen in template.numbered:
            values[blank] = f"{seen[:8]}-{reference:07d}"[: len(seen) + 2]
        self._seal(template, values)
        for blank, text, is_hex in template.digests:
            content = text.fill(values).encode()
            values[blank] = hashlib.sha256(content).hexdigest() if is_hex else commitment(content)
        _chain(template.events, values)
        return values

    def _seal(self, template: Template, values: list[str]) -> None:
        made: dict[int, bytes] = {}
        for key in template.keys:
            made[key.pk] = secret = secrets.token_bytes(keys.KEY_BYTES)
            parent = None if key.parent_pk is None else AESSIV(hmac.digest(made[key.parent_pk], b"wrap", "sha512"))
            bound = [b"datakey", _bytes_of(values[key.uid]), key.scope.encode()]
            values[key.wrapped] = HEX + (parent or self.wrap).encrypt(secret, bound).hex()
        for token in template.tokens:
            hashed = self._keyed(token.purpose, token.text.fill(values).encode())
            values[token.hex] = hashed.hex()
            if token.cell != NOWHERE:
                values[token.cell], values[token.committed] = HEX + hashed.hex(), commitment(hashed)
        ciphers = {pk: AESSIV(secret) for pk, secret in made.items()}
        for sealing in template.sealings:
            key_id = sealing.secret.key_id
            content = _seal_one(sealing, values, ciphers[key_id], made[key_id])
            for blank, purpose in sealing.hashes:
                keyed = self._keyed(purpose, content) if purpose else hashlib.sha256(content).digest()
                values[blank] = keyed.hex()

    def _keyed(self, purpose: str, content: bytes) -> bytes:
        """Return what `keys.keyed_hash` would, without reading the key again for each of a million."""
        return hmac.digest(self.index_key, purpose.encode() + b"\0" + content, "sha256")

    def _entries(self, template: Template, values: list[str]) -> list[str]:
        """Return the rows of what the case and its people are found by, as COPY takes them."""
        case_id = values[template.case_id]
        account = template.account.fill(values) if template.account else None
        lines = [self._line(case_id, "\\N", [self._part("account_reference", account)])]
        for found in template.found:
            parts = [self._part(name, text.fill(values)) for name, text in found.values]
            for blank, text in found.postcodes:
                parts.append(self._laid(index.runs_of_place(int(values[blank]), text.fill(values))))
            lines.append(self._line(case_id, values[found.party_id], parts))
        return lines

    def _line(self, case_id: str, party_id: str, parts: Sequence[Part]) -> str:
        """Return one row; spaces and layouts have no sign that would need escaping."""
        tokens = ",".join([tokens for tokens, _ in parts if tokens])
        layout = " ".join([layout for _, layout in parts if layout])
        return f"{case_id}\t{party_id}\t{self.blinder.space}\t{self.blinder.version}\t{{{tokens}}}\t{layout}\n"

    def _part(self, field: str, text: str | None) -> Part:
        """Return what a value of a person, or the account of a case, is found by."""
        known = self.known.get((field, text))
        if known is None:
            known = self._laid(index.runs_of_value(field, text))
            if field in NAMES:
                self.known[field, text] = known
        return known

    def _laid(self, runs: index.Runs) -> Part:
        tokens, layout = index.laid(self.blinder.blind(runs))
        return ",".join(map(str, tokens)), layout


def _seal_one(sealing: Sealing, values: list[str], cipher: AESSIV, key: bytes) -> bytes:
    """Seal one value and return it in clear."""
    secret = sealing.secret
    content = sealing.plain.fill(values).encode(sealing.encoding)
    place = [secret.label.encode(), _bytes_of(values[sealing.uid]), secret.field.encode()]
    if secret.is_file:
        nonce = secrets.token_bytes(12)
        file_key = AESGCM(hmac.digest(key, b"file", "sha256"))
        sealed = nonce + file_key.encrypt(nonce, content, b"\0".join(place))
    else:
        sealed = cipher.encrypt(content, place)
    values[sealing.stored], values[sealing.committed] = HEX + sealed.hex(), commitment(sealed)
    return content


def _chain(events: list[Event], values: list[str]) -> None:
    """Fill in bodies and hashes, each over the one before it, as `ledger_append` in the database does."""
    before = bytes(32)
    for event in events:
        body = event.body.fill(values)
        numbers = (event.seq, int(values[event.id]), event.recorded)
        before = hashlib.sha256(b"\0" + before + NUMBERS.pack(*numbers) + body.encode()).digest()
        # Canonical JSON holds no sign that COPY knows, save the backslash.
        values[event.cell], values[event.hash] = body.replace("\\", "\\\\"), HEX + before.hex()


def _random_uuids(count: int) -> list[str]:
    """Return what uuid4 would, in a tenth of the time."""
    drawn = bytearray(secrets.token_bytes(16 * count))
    for first in range(0, len(drawn), 16):
        drawn[first + 6] = drawn[first + 6] & 0x0F | 0x40
        drawn[first + 8] = drawn[first + 8] & 0x3F | 0x80
    texts = (drawn[first : first + 16].hex() for first in range(0, len(drawn), 16))
    return [f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}" for text in texts]


def _bytes_of(uid: str) -> bytes:
    return bytes.fromhex(uid.replace("-", ""))


def _fresh_ids(templates: Sequence[Template]) -> dict[Model, Any]:
    wanted: dict[Model, int] = defaultdict(int)
    for template in templates:
        for model, blanks in template.ids.items():
            wanted[model] += len(blanks)
    found = {}
    with connection.cursor() as cursor:
        for model, count in ((model, count) for model, count in wanted.items() if count):
            cursor.execute(FRESH_IDS, [model._meta.db_table, model._meta.pk.column, count])
            found[model] = iter(cursor.fetchone()[0])
    return found


def _copy(model: Model, columns: list[str], lines: list[str]) -> None:
    listed = ", ".join(f'"{name}"' for name in columns)
    waiting = iter(lines)
    with connection.cursor() as cursor, cursor.copy(f"COPY {model._meta.db_table} ({listed}) FROM STDIN") as copy:
        while part := "".join(islice(waiting, 1000)):
            copy.write(part)
