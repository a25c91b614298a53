"""Whose a debt is: ours, or that of the buyer to whom it was sold or is promised. Whatever sells debts says here how
to look."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from cases.kernel.models import Agency

__all__ = ["Look", "Promised", "buyers", "declare", "promised"]

Look = Callable[[Collection[int]], Mapping[int, Agency]]
Promised = Callable[[Collection[int]], Collection[int]]
_looks: list[Look] = []
_promises: list[Promised] = []


def declare(look: Look, promised: Promised | None = None) -> None:
    """Name a function that returns, by an account's id, the agency that owns it now, and one that returns the ids of
    those that are ours still and promised to a buyer. Called while families load."""
    if look not in _looks:
        _looks.append(look)
    if promised is not None and promised not in _promises:
        _promises.append(promised)


def buyers(accounts: Collection[int]) -> dict[int, Agency]:
    """Return the owner of each account that is not ours any more."""
    return {account: agency for look in _looks for account, agency in look(accounts).items()}


def promised(accounts: Collection[int]) -> set[int]:
    """Return the ids of the accounts that an agreement to sell is about, and that are ours still."""
    return {account for look in _promises for account in look(accounts)}
