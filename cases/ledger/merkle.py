"""A log of leaves that only grows, the one hash that stands for all of them, and the proof that one is among them:
RFC 6962, section 2.1.

What is kept of the leaves before is a frontier: the hashes of the full trees that the size is made of, largest first.
No Django, no database.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from uuid import UUID

__all__ = ["grow", "leaf_hash", "path", "root_of"]

LEAF, NODE = b"\0", b"\1"


def leaf_hash(stream: UUID, seq: int, head: bytes) -> bytes:
    """Return the hash of one leaf: that a stream ended with this event at this number."""
    return sha256(LEAF + stream.bytes + seq.to_bytes(8, "big") + head).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(NODE + left + right).digest()


def grow(frontier: Sequence[bytes], size: int, leaves: Iterable[bytes]) -> tuple[list[bytes], int]:
    """Return the frontier and the size after these leaves, each a leaf hash."""
    trees = list(frontier)
    for leaf in leaves:
        full, below = leaf, size
        while below & 1:  # a full tree of this size stands there already: both make one twice as large
            full, below = _node(trees.pop(), full), below >> 1
        trees.append(full)
        size += 1
    return trees, size


def root_of(frontier: Sequence[bytes]) -> bytes:
    """Return the hash that stands for every leaf; of none, the hash of nothing."""
    if not frontier:
        return sha256(b"").digest()
    root = frontier[-1]
    for tree in reversed(frontier[:-1]):
        root = _node(tree, root)
    return root


def path(leaves: Iterable[bytes], index: int, size: int) -> list[bytes]:
    """Return the hashes that lead from the leaf at `index` to the root of the first `size` leaves, nearest first. Reads
    the leaf hashes once, in their order."""
    beside = _beside(index, size)
    found: dict[int, bytes] = {}
    rows = iter(leaves)
    place = 0
    for start, end in sorted(beside):
        for _ in range(start - place):  # the leaf itself, which is in none of these
            next(rows)
        frontier, _ = grow((), 0, (next(rows) for _ in range(end - start)))
        found[start], place = root_of(frontier), end
    return [found[start] for start, _ in reversed(beside)]


def _beside(index: int, size: int) -> list[tuple[int, int]]:
    """Return the runs of leaves beside the way from the root to a leaf, the largest first: each from its first to
    before its last."""
    start, end = 0, size
    runs = []
    while end - start > 1:
        middle = start + (1 << (end - start - 1).bit_length() - 1)
        if index < middle:
            runs.append((middle, end))
            end = middle
        else:
            runs.append((start, middle))
            start = middle
    return runs
