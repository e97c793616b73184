"""Lists that are shorter than what was asked for, filled up from the popular one for who asks for that."""

from __future__ import annotations

from collections.abc import Callable

from api.answers.selection import Selection, select
from api.http.request_models import Page
from api.lists.store import Store, StoredList
from contract.formats.keys import Id
from contract.formats.manifest import Pointer

EMPTY = StoredList((), ())


class Filler:
    """Fills what is short; `count` is called for each list. `popular` is read from `store` at the first need, unless it is given."""

    def __init__(self, store: Store, count: Callable[[], object], popular: StoredList | None = None) -> None:
        self._store, self._count, self._popular = store, count, popular

    def choose(self, found: StoredList, asked: Page, pointer: Pointer, excluded: frozenset[Id]) -> tuple[StoredList, Selection]:
        """`select`, of `found` and then of the popular items that are neither in it nor excluded, if `asked` has a fallback.

        What the popular list adds may hold items that the user has met: only the worker knew which these are.
        """
        chosen = select(found, asked, pointer, excluded)
        if not chosen.short or getattr(asked, "fallback", None) is None:
            return found, chosen
        if self._popular is None:
            self._popular = self._store.popular(pointer) or EMPTY
        taken = excluded | set(found.item_ids)
        more = [(item, score) for item, score in zip(self._popular.item_ids, self._popular.scores, strict=True) if item not in taken]
        if not more:
            return found, chosen
        self._count()
        whole = found._replace(
            item_ids=[*found.item_ids, *(item for item, _ in more)],
            scores=[*found.scores, *(score for _, score in more)],
            n_own=len(found.item_ids),
        )
        return whole, select(whole, asked, pointer, excluded)


def has_own(found: StoredList, excluded: frozenset[Id]) -> bool:
    """Whether anything of the list itself may be in an answer, on whatever page."""
    own = found.item_ids if found.n_own is None else found.item_ids[: found.n_own]
    return not excluded.issuperset(own)
