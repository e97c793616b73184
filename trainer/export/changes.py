"""What one generation's lists have that another's do not: for whoever holds the lists of the other already."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from contract.formats.keys import Id
from trainer.export.rows import GONE, Shape, UserList
from trainer.export.spool import FETCHED, Spool


def keep_changes(new: Spool, old: Spool, shape: Shape, before: Shape, kept: Spool, *, scored: bool) -> int:
    """Fill `kept` with the lists of `new` that `old` has not, or not so, and with GONE for each user that only `old` has.

    `before`: the shape that the old lists were exported in. `scored`: another score is another list. Both spools are in one order.
    Returns how many users of `new` have rows: in the long layout those with an item.
    """
    n_with_rows = 0

    def counted() -> Iterator[UserList]:
        nonlocal n_with_rows
        for user, raw in new.lists():
            n_with_rows += shape.layout == "wide" or bool(shape.best(raw)[0])
            yield user, raw

    changes = _changes(counted(), old.lists(), shape, before, scored)
    while some := list(islice(changes, FETCHED)):
        kept.add((str(user).encode(), raw) for user, raw in some)
    return n_with_rows


def _changes(new: Iterator[UserList], old: Iterator[UserList], shape: Shape, before: Shape, scored: bool) -> Iterator[UserList]:
    ours, theirs = next(new, None), next(old, None)
    while ours or theirs:
        if theirs is None or (ours is not None and _order(ours[0]) < _order(theirs[0])):
            assert ours is not None  # noqa: S101 (one of them is there)
            yield ours
            ours = next(new, None)
        elif ours is None or _order(theirs[0]) < _order(ours[0]):
            yield theirs[0], GONE
            theirs = next(old, None)
        else:
            if _shown(ours[1], shape, scored) != _shown(theirs[1], before, scored):
                yield ours
            ours, theirs = next(new, None), next(old, None)


def _order(user: Id) -> tuple[int, bytes]:
    return (user, b"") if isinstance(user, int) else (0, user.encode())


def _shown(raw: bytes, shape: Shape, scored: bool) -> tuple[list[Id], list[float]]:
    items, scores = shape.best(raw)
    return list(items), list(scores) if scored else []
