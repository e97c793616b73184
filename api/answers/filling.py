"""What of a list an answer has: what passes the filter, filled up from named lists for who asks for that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from api.answers.item_filter import item_filter_of
from api.answers.selection import Selection, excluded_ids, select
from api.http.request_models import NO_FALLBACK, ListOptions
from api.lists.store import Store, StoredList
from api.lists.view import View
from contract.formats.keys import Id
from contract.store.lists import Listed
from contract.text import words

EMPTY = StoredList((), ())


def chain_of(store: Store, asked: ListOptions) -> tuple[str, ...]:
    """Named lists that fill up what `asked` gets: its own, else those of the setting. None for what can't ask for any."""
    if "fallback" not in type(asked).model_fields:
        return ()
    wanted: str | None = getattr(asked, "fallback", None)
    return store.fallback if wanted is None else () if wanted == NO_FALLBACK else tuple(words(wanted))


class Filler:
    """Of one request; `asked` may have a filter and a fallback. `but`: items to leave out besides the excluded ones.

    `count` is called with the names of the lists that fill one.
    """

    def __init__(
        self, store: Store, asked: ListOptions, view: View, count: Callable[[Iterable[str]], object], *, but: frozenset[Id] = frozenset()
    ) -> None:
        self._store, self._asked, self._view, self._count = store, asked, view, count
        self.chain = chain_of(store, asked)
        self.excluded = excluded_ids(asked, view.pointer) | but
        self._sieve = item_filter_of(view, asked.filter)
        self._read: dict[str, tuple[list[StoredList], Iterator[StoredList]]] = {}
        self._wanted = asked.offset + (asked.k or view.pointer.k)

    @property
    def filters(self) -> bool:
        return self._sieve is not None

    def choose(self, found: StoredList) -> tuple[StoredList, Selection]:
        """`select`, of what passes of `found` and then of the chain's lists, without what is there already, excluded, or hidden by what
        the user did since.

        What these add may hold items that the user has met: only the worker knew which these are.
        """
        return self._chosen(self._sifted(found))

    def choose_named(self, listed: Listed) -> tuple[StoredList, Selection]:
        """The same of a named list, of which no more is read than is needed."""
        ids: list[Id] = []
        scores: list[float] = []
        for part in self._store.named(self._view, listed):
            passed = self._sifted(part)
            ids += passed.item_ids
            scores += passed.scores
            if len(ids) >= self._wanted + len(self.excluded):
                break
        return self._chosen(StoredList(ids, scores))

    def source_of(self, found: StoredList, own: str) -> str:
        """What an answer calls itself: `own` if anything of the list itself may be in it, on whatever page; else what begins it."""
        if found.n_own is None or not self.excluded.issuperset(found.item_ids[: found.n_own]):
            return own
        return found.filled[0]

    def _chosen(self, found: StoredList) -> tuple[StoredList, Selection]:
        """Of what has passed; filled up where that is too short."""
        chosen = self._select(found)
        if not chosen.short or not self.chain:
            return found, chosen
        whole = self._filled(found)
        return whole, self._select(whole)

    def _filled(self, found: StoredList) -> StoredList:
        """`found`, then what else is wanted of the chain; itself where the chain has nothing more."""
        taken = {*self.excluded, *found.item_ids}
        missing = self._wanted - len(taken) + len(self.excluded)
        taken |= found.fresh.hidden if found.fresh else set()
        ids: list[Id] = []
        scores: list[float] = []
        filled: list[str] = []
        for name in self.chain:
            before = len(ids)
            for part in self._parts(name):
                if len(ids) >= missing:
                    break
                for item_id, score in self._more(part, taken, missing - len(ids)):
                    ids.append(item_id)
                    scores.append(score)
                    taken.add(item_id)
            if len(ids) > before:
                filled += [name] * (len(ids) - before)
        if not ids:
            return found
        self._count(dict.fromkeys(filled))
        return found._replace(item_ids=[*found.item_ids, *ids], scores=[*found.scores, *scores], n_own=len(found.item_ids), filled=filled)

    def _parts(self, name: str) -> Iterator[StoredList]:
        """A list of the chain; what has been read for one user of a batch is not read again for the next."""
        read, rest = self._read.setdefault(name, ([], self._store.named(self._view, Listed(name))))
        yield from read
        for part in rest:
            read.append(part)
            yield part

    def _more(self, part: StoredList, taken: set[Id], n: int) -> list[tuple[Id, float]]:
        """Up to `n` items that are not taken and pass."""
        left = [(item_id, score) for item_id, score in zip(part.item_ids, part.scores, strict=True) if item_id not in taken]
        if self._sieve is None:
            return left[:n]
        passed = self._sieve.of(StoredList([item_id for item_id, _ in left], [score for _, score in left]), n)
        return list(zip(passed.item_ids, passed.scores, strict=True))

    def _select(self, found: StoredList) -> Selection:
        chosen = select(found, self._asked, self._view.pointer, self.excluded)
        if self._sieve is None or not chosen.short:
            return chosen
        return chosen._replace(n_passed=len(found.item_ids) - sum(item in self.excluded for item in found.item_ids))

    def _sifted(self, found: StoredList) -> StoredList:
        return found if self._sieve is None else self._sieve.of(found, self._wanted + len(self.excluded))
