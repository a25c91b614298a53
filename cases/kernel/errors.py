"""The refusals every part of the kernel shares. Each message is a sentence staff can act on, without personal data."""


class CaseError(Exception):
    """What was asked cannot be done; nothing was written."""


class NotVisible(CaseError):
    """No such case, as far as this actor may know."""

    def __init__(self) -> None:
        super().__init__("There is no such case.")


class NotAllowed(CaseError):
    """The policy table has no row that lets this actor do this."""
