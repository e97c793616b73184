"""What the explorer shows of a user, an item or a session: lists with titles, and where each item was before."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from api.answers.filling import Filler
from api.answers.finding import find_items
from api.answers.selection import Selection
from api.answers.user_answers import explained
from api.http.request_models import MAX_SEARCH_CHARACTERS, ItemsQuery, ListOptions
from api.lists.store import Store, StoredList
from api.lists.view import View
from api.routes.session import rank_by_similarity_sum
from contract.formats.ids import stored_id
from contract.formats.keys import Id
from contract.formats.manifest import Pointer

KNOWN_HISTORY = 20
Cold = Literal["not an integer", "unknown"]


@dataclass(frozen=True, slots=True)
class Named:
    item_id: Id
    title: str
    share: float = 0.0


@dataclass(frozen=True, slots=True)
class Entry:
    """`before`: the rank in the previous generation; None: not in its list.

    `factor`: by which a rule of the run multiplied the score. `prior`: the share of the run's prior in it. `explores`: it is a new item
    to try.
    """

    rank: int
    item_id: Id
    title: str
    score: float
    because: tuple[Named, ...] = ()
    before: int | None = None
    factor: float = 1.0
    prior: float = 0.0
    explores: bool = False

    @property
    def liked(self) -> list[Named]:
        return [reason for reason in self.because if reason.share > 0]

    @property
    def against(self) -> list[Named]:
        return [reason for reason in self.because if reason.share < 0]

    @property
    def moved(self) -> int | None:
        """Places up; negative: down."""
        return None if self.before is None else self.before - self.rank


@dataclass(frozen=True, slots=True)
class UserView:
    """`before`: the previous generation's id, if that has a list of this user; `gone`: what has left its first k places."""

    user_id: Id
    entries: list[Entry]
    n_stored: int
    source: Literal["personalized", "popular"]
    cold: Cold | None = None
    before: str = ""
    gone: list[Entry] = field(default_factory=list)
    history: list[Named] = field(default_factory=list)
    is_explained: bool = False


def user_view(store: Store, view: View, before: Pointer | None, given: str, k: int, asked: ListOptions | None = None) -> UserView:
    """`asked`: whose filter leaves what meets it, as in the API's answer. Raises RequestError for a filter that makes no sense."""
    spelled = stored_id(given, view.pointer.user_id_type)
    found = store.user_lists(view, [given], explain=bool(view.pointer.explain_depth))
    mine = found.lists[0]
    if mine is None or spelled is None:
        stored = store.popular(view) or StoredList((), ())
        cold: Cold = "not an integer" if spelled is None else "unknown"
        entries = entries_of(stored, k)
        return UserView(given if spelled is None else spelled, _titled(store, view, entries), len(stored.item_ids), "popular", cold)
    n_stored, found_all = len(mine.item_ids), mine
    if asked is not None and asked.filter:
        found_all, chosen = Filler(store, asked, view, lambda _names: None).choose(mine)
    else:
        chosen = Selection(mine.item_ids[:k], mine.scores[:k], None, False)
    because, marks = explained(found_all, chosen)
    mine = StoredList(chosen.item_ids, chosen.scores, mine.why)
    marked = {mark.name: mark.values for mark in marks}
    then = store.user_list(view.of(before), given) if before else None
    ranks = {item_id: at + 1 for at, item_id in enumerate(then[1].item_ids)} if then else {}
    entries = [
        replace(
            entry,
            because=_reasons(because[at]),
            before=ranks.get(entry.item_id),
            factor=marked["boosted"][at] if "boosted" in marked else 1.0,
            prior=marked["prior"][at] if "prior" in marked else 0.0,
            explores=entry.item_id in found_all.explored,
        )
        for at, entry in enumerate(entries_of(mine, k))
    ]
    kept = {entry.item_id for entry in entries}
    gone = [entry for entry in entries_of(then[1], k) if entry.item_id not in kept] if then else []
    shown = UserView(spelled, entries, n_stored, "personalized", is_explained=mine.why is not None)
    seen: dict[Id, float] = {}
    for reason in (reason for entry in entries for reason in entry.because):
        seen[reason.item_id] = seen.get(reason.item_id, 0.0) + reason.share
    history = [Named(item, "", share) for item, share in sorted(seen.items(), key=lambda pair: -pair[1])[:KNOWN_HISTORY]]
    names = titles(store, view, [*kept, *(entry.item_id for entry in gone), *seen])
    return replace(
        shown,
        before=before.generation if then and before else "",
        entries=[_named(entry, names) for entry in entries],
        gone=[_named(entry, names) for entry in gone],
        history=[replace(one, title=names[one.item_id]) for one in history],
    )


def found_entries(store: Store, view: View, text: str, k: int) -> list[Named]:
    """Items that are found by their titles."""
    found = find_items(store, view, ItemsQuery(q=text[:MAX_SEARCH_CHARACTERS], k=k))
    names = titles(store, view, found.item_ids) if found else {}
    return [Named(item_id, title) for item_id, title in names.items()]


def similar_entries(store: Store, view: View, item_id: Id, k: int) -> list[Entry] | None:
    """None for an item that the generation does not know."""
    (found,) = store.similar(view, [item_id])
    return None if found is None else _titled(store, view, entries_of(found, k))


@dataclass(frozen=True, slots=True)
class SessionView:
    met: list[Named]
    unknown: list[str]
    entries: list[Entry]


def session_view(store: Store, view: View, given: Sequence[str], k: int) -> SessionView:
    """The list of someone who has met these items, each as much as the others."""
    spelled = {text: stored_id(text, view.pointer.item_id_type) for text in dict.fromkeys(given)}
    ids = [item_id for item_id in spelled.values() if item_id is not None]
    similar = dict(zip(ids, store.similar(view, ids), strict=True))
    known = [item_id for item_id in ids if similar[item_id] is not None]
    found = rank_by_similarity_sum([1.0] * len(known), [similar[item_id] for item_id in known], frozenset(known), k)
    names = titles(store, view, known)
    unknown = [text for text, item_id in spelled.items() if item_id is None or similar[item_id] is None]
    return SessionView([Named(item_id, names[item_id]) for item_id in known], unknown, _titled(store, view, entries_of(found, k)))


def entries_of(found: StoredList, k: int) -> list[Entry]:
    places = enumerate(zip(found.item_ids[:k], found.scores[:k], strict=True), 1)
    return [Entry(rank, item_id, "", score) for rank, (item_id, score) in places]


def titles(store: Store, view: View, item_ids: Iterable[Id]) -> dict[Id, str]:
    """A title for each item, "" where the source has none."""
    wanted = list(dict.fromkeys(item_ids))
    return {item_id: title_of(raw) for item_id, raw in zip(wanted, store.metadata(view, wanted), strict=True)}


def title_of(raw: bytes) -> str:
    found = json.loads(raw)
    title = found.get("title") if isinstance(found, dict) else None
    return title if isinstance(title, str) else ""


def _reasons(contributors: Sequence[tuple[Id, float]]) -> tuple[Named, ...]:
    return tuple(Named(item, "", share) for item, share in contributors)


def _titled(store: Store, view: View, entries: list[Entry]) -> list[Entry]:
    names = titles(store, view, [entry.item_id for entry in entries])
    return [_named(entry, names) for entry in entries]


def _named(entry: Entry, names: dict[Id, str]) -> Entry:
    because = tuple(replace(one, title=names.get(one.item_id, "")) for one in entry.because)
    return replace(entry, title=names.get(entry.item_id, ""), because=because)
