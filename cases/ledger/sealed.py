"""A sealed value and the model field that holds one. Neither can show what it says."""

from __future__ import annotations

import hmac

from django.db import models


class Sealed:
    """Ciphertext of one field of one row. Has no text: only `sealing.open_rows` gives the value back."""

    __slots__ = ("ciphertext",)

    def __init__(self, ciphertext: bytes) -> None:
        self.ciphertext = bytes(ciphertext)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sealed) and hmac.compare_digest(self.ciphertext, other.ciphertext)

    def __hash__(self) -> int:
        return hash(self.ciphertext)

    def __repr__(self) -> str:
        return "<Sealed>"

    def __str__(self) -> str:
        raise TypeError("A sealed value has no text; open it with sealing.open_rows.")

    def __format__(self, format_spec: str) -> str:
        raise TypeError("A sealed value has no text; open it with sealing.open_rows.")


class SealedTextField(models.BinaryField):  # type: ignore[type-arg]  # -- the stubs fix the value type to bytes
    """Holds a Sealed or None. Text, bytes or anything else is a TypeError, so nothing lands in clear."""

    description = "Sealed text"

    def from_db_value(self, value: bytes | memoryview | None, expression: object, connection: object) -> Sealed | None:
        return None if value is None else Sealed(bytes(value))

    def to_python(self, value: object) -> Sealed | None:
        if value is None or isinstance(value, Sealed):
            return value
        raise TypeError(f"{self.name} takes only sealed values; seal it with sealing.seal.")

    def get_prep_value(self, value: object) -> bytes | None:
        sealed = self.to_python(value)
        return None if sealed is None else sealed.ciphertext

    def value_to_string(self, obj: models.Model) -> str:
        raise TypeError(f"{self.name} is sealed and is not serialised.")
