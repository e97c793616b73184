"""What of a list an answer has: what passes the filter, filled up from the popular list for who asks for that."""

from __future__ import annotations

from collections.abc import Callable

from api.answers.selection import Selection, excluded_ids, select
from api.answers.sieve import sieve_of
from api.http.request_models import Page
from api.lists.fresh import Fresh
from api.lists.items_view import Shelf
from api.lists.store import Store, StoredList
from contract.formats.keys import Id
from contract.formats.manifest import Pointer

EMPTY = StoredList((), ())


class Filler:
    """Of one request and generation; `asked` may have a filter and a fallback. `but`: items to leave out besides the excluded ones.

    `count` is called for each list that is filled. `popular` is read from `store` at the first need, unless it is given.
    """

    def __init__(
        self,
        store: Store,
        asked: Page,
        pointer: Pointer,
        count: Callable[[], object],
        *,
        but: frozenset[Id] = frozenset(),
        popular: StoredList | None = None,
    ) -> None:
        self._store, self._asked, self._pointer, self._count, self._popular = store, asked, pointer, count, popular
        self.excluded = excluded_ids(asked, pointer) | but
        self._sieve = sieve_of(store, pointer, asked.filter)
        self._is_sifted = False

    @property
    def shelf(self) -> Shelf | None:
        """The items that the answer stands on, where it is held to those of one time."""
        return None if self._sieve is None else self._sieve.shelf

    @property
    def filters(self) -> bool:
        return self._sieve is not None

    def choose(self, found: StoredList) -> tuple[StoredList, Selection]:
        """`select`, of what passes of `found` and then of the popular items that are neither in it nor excluded, if there is a fallback.

        What the popular list adds may hold items that the user has met: only the worker knew which these are.
        """
        found = self._sifted(found)
        chosen = self._select(found)
        if not chosen.short or getattr(self._asked, "fallback", None) is None:
            return found, chosen
        taken = self.excluded | set(found.item_ids) | (found.fresh.hidden if found.fresh else set())
        popular = self.popular()
        more = [(item, score) for item, score in zip(popular.item_ids, popular.scores, strict=True) if item not in taken]
        if not more:
            return found, chosen
        self._count()
        whole = found._replace(
            item_ids=[*found.item_ids, *(item for item, _ in more)],
            scores=[*found.scores, *(score for _, score in more)],
            n_own=len(found.item_ids),
        )
        return whole, self._select(whole)

    def choose_popular(self, fresh: Fresh | None = None) -> tuple[StoredList, Selection]:
        """The same for a user without a list. `fresh`: what the user did."""
        found = self.popular()
        if fresh and not fresh.hidden.isdisjoint(found.item_ids):
            kept = [pair for pair in zip(found.item_ids, found.scores, strict=True) if pair[0] not in fresh.hidden]
            found = StoredList([item for item, _ in kept], [score for _, score in kept])
        found = found._replace(fresh=fresh) if fresh else found
        return found, self._select(found)

    def popular(self) -> StoredList:
        """What passes of the popular list."""
        if self._popular is None:
            self._popular = self._store.popular(self._pointer) or EMPTY
        if not self._is_sifted:
            self._popular, self._is_sifted = self._sifted(self._popular), True
        return self._popular

    def has_own(self, found: StoredList) -> bool:
        """Whether anything of the list itself may be in an answer, on whatever page."""
        own = found.item_ids if found.n_own is None else found.item_ids[: found.n_own]
        return not self.excluded.issuperset(own)

    def _select(self, found: StoredList) -> Selection:
        chosen = select(found, self._asked, self._pointer, self.excluded)
        if self._sieve is None or not chosen.short:
            return chosen
        return chosen._replace(n_passed=len(found.item_ids) - sum(item in self.excluded for item in found.item_ids))

    def _sifted(self, found: StoredList) -> StoredList:
        if self._sieve is None:
            return found
        return self._sieve.of(found, self._asked.offset + (self._asked.k or self._pointer.k) + len(self.excluded))
