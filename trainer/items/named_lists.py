"""Cooks the named lists of a run: popular, trending and new, of all items, by category, and by segment of users."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from contract.settings.settings import Settings
from contract.store.lists import CATEGORY, SEGMENT, Listed, encode_names
from contract.text import words
from engine.arrays import Array
from engine.fit.row_kernels import group
from trainer.interactions.interactions import Interactions
from trainer.items import list_kernels
from trainer.items.items import NOTHING
from trainer.items.revision import ItemsSnapshot

DAY_S = 86_400
MAX_GROUPS = 1000
"""Categories, and segments, that have lists: those with the most items and users."""
MIN_USERS = 2
"""Of a segment: the list of one user would be what that user has met."""

NO_WEIGHTS = np.zeros(0)

log = logging.getLogger("larder.trainer")


@dataclass(frozen=True, slots=True)
class Tally:
    """What lists are made of, for each item: users who met it, their weights that fade, and the time of the first event.

    int64 (n_items); float64 (n_items), or None where no list needs it; int64 epoch seconds (n_items), or None without times.
    """

    users: Array
    faded: Array | None
    first: Array | None


class ByUser:
    """The interactions in order of users, to be tallied for everybody and for the users of a segment."""

    def __init__(self, interactions: Interactions, settings: Settings) -> None:
        self._item, self._n_items, self._time = interactions.item_idx, len(interactions.item_ids), interactions.time
        self.everyone = np.arange(len(interactions.user_ids), dtype=np.int32)
        self._ends, self._rows = group(interactions.user_idx, self.everyone.size)
        self._fading = NO_WEIGHTS
        if self._time is not None and "trending" in words(settings.lists):
            self._fading = _fading(self._time, settings)

    def tally(self, users: Array) -> Tally:
        """Of these user_idx, int32."""
        counts, faded = np.zeros(self._n_items, np.int64), np.zeros(self._n_items)
        first = np.full(self._n_items, np.iinfo(np.int64).max)
        list_kernels.tally(users, self._ends, self._rows, self._item, self._fading, counts, faded)
        if self._time is not None:
            list_kernels.earliest(users, self._ends, self._rows, self._item, self._time, first)
        return Tally(counts, faded if self._fading.size else None, first if self._time is not None else None)


def cook(interactions: Interactions, snapshot: ItemsSnapshot, segments: Mapping[str, str], settings: Settings) -> dict[str, Array]:
    """The lists as arrays of the artifact (contract/store/lists.py); none where none is wanted.

    trending and new need times. Ties are in the order of items. What is unavailable is in none.
    """
    found: list[tuple[Listed, Array, Array]] = []
    wanted, n_items = words(settings.lists), len(interactions.item_ids)
    if not wanted:
        return {}
    by_user = ByUser(interactions, settings)
    of_all = by_user.tally(by_user.everyone)
    excluded = np.array([str(item) in snapshot.unavailable for item in interactions.item_ids], bool)
    categories = _members(snapshot, interactions)
    by_segment = [(segment, by_user.tally(users)) for segment, users in _by_segment(interactions, segments)]
    for name in wanted:
        whole = _ranked(name, of_all, excluded)
        if whole is None:
            log.info("there is no list %s: the interactions have no times", name)
            continue
        items, scores = whole
        cut = n_items if name == "popular" else settings.lists_depth
        found.append((Listed(name), items[:cut], scores[:cut]))
        place = np.full(n_items, n_items)
        place[items] = np.arange(len(items))
        for category, members in categories.items():
            places = np.sort(place[members])
            places = places[places < n_items][: settings.lists_depth]
            found.append((Listed(name, CATEGORY, category), items[places], scores[places]))
        for segment, tally in by_segment:
            if (ranked := _ranked(name, tally, excluded)) is not None:
                found.append((Listed(name, SEGMENT, segment), ranked[0][: settings.lists_depth], ranked[1][: settings.lists_depth]))
    if not found:
        return {}
    return {
        "lists_items": np.concatenate([items for _, items, _ in found]).astype(np.int32),
        "lists_scores": np.concatenate([scores for _, _, scores in found]),
        "lists_ends": np.cumsum([len(items) for _, items, _ in found], dtype=np.int64),
        "lists_names": np.frombuffer(encode_names([listed for listed, *_ in found]), np.uint8),
    }


def _fading(time: Array, settings: Settings) -> Array:
    """What each event counts in trending: float64, half as much after every half-life, and nothing before its days."""
    newest = int(time.max())
    late = np.flatnonzero(time >= newest - settings.trending_days * DAY_S)
    weights = np.zeros(time.size)
    weights[late] = np.exp2(-((newest - time[late]) / DAY_S) / settings.trending_half_life_days)
    return weights


def _ranked(name: str, tally: Tally, excluded: Array) -> tuple[Array, Array] | None:
    """Items, best first, and their scores; None for a list that needs times where there are none."""
    values = {"popular": tally.users, "trending": tally.faded, "new": tally.first}[name]
    if values is None:
        return None
    items = np.flatnonzero((tally.users > 0) & ~excluded)
    scores = (values[items] / DAY_S if name == "new" else values[items]).astype(np.float32)
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] != 0]
    return items[order], scores[order]


def _members(snapshot: ItemsSnapshot, interactions: Interactions) -> dict[str, Array]:
    """item_idx of the items of each category, in the order of the names."""
    known = (snapshot.items or NOTHING).categories()
    found: dict[str, list[int]] = {}
    for at, item_id in enumerate(interactions.item_ids):
        for category in known.get(str(item_id), ()):
            found.setdefault(category, []).append(at)
    return {name: np.array(found[name]) for name in _largest({name: len(members) for name, members in found.items()}, "categories")}


def _by_segment(interactions: Interactions, segments: Mapping[str, str]) -> Iterator[tuple[str, Array]]:
    """user_idx of each segment's users, in the order of the names."""
    counts: dict[str, int] = {}
    of_user = [segments.get(str(user_id), "") for user_id in interactions.user_ids] if segments else []
    for segment in filter(None, of_user):
        counts[segment] = counts.get(segment, 0) + 1
    names = _largest({name: n for name, n in counts.items() if n >= MIN_USERS}, "segments")
    if not names:
        return
    numbers = {name: number for number, name in enumerate(names)}
    numbered = np.array([numbers.get(segment, -1) for segment in of_user])
    order = np.argsort(numbered, kind="stable").astype(np.int32)
    edges = np.searchsorted(numbered[order], np.arange(len(names) + 1))
    for number, name in enumerate(names):
        yield name, order[edges[number] : edges[number + 1]]


def _largest(counts: Mapping[str, int], what: str) -> list[str]:
    """Names with the greatest counts, up to MAX_GROUPS, sorted."""
    if len(counts) > MAX_GROUPS:
        log.warning("there are %s %s: lists are made of the %s greatest", f"{len(counts):,}", what, f"{MAX_GROUPS:,}")
    return sorted(sorted(counts, key=lambda name: (-counts[name], name))[:MAX_GROUPS])
