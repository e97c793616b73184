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
from trainer.interactions.interactions import Interactions
from trainer.items.items import NOTHING
from trainer.items.revision import Stock

DAY_S = 86_400
MAX_GROUPS = 1000
"""Categories, and segments, that have lists: those with the most items and users."""
MIN_USERS = 2
"""Of a segment: the list of one user would be what that user has met."""

log = logging.getLogger("larder.trainer")


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of user and item, each once, with the first and the last time that they met; None without times."""

    user: Array
    item: Array
    first: Array | None
    last: Array | None

    def of(self, rows: Array | slice) -> Pairs:
        first, last = (None if times is None else times[rows] for times in (self.first, self.last))
        return Pairs(self.user[rows], self.item[rows], first, last)


def cook(interactions: Interactions, stock: Stock, segments: Mapping[str, str], settings: Settings) -> dict[str, Array]:
    """The lists as arrays of the artifact (contract/store/lists.py); none where none is wanted.

    trending and new need times. Ties are in the order of items. What is unavailable is in none.
    """
    found: list[tuple[Listed, Array, Array]] = []
    pairs, n_items = _pairs(interactions), len(interactions.item_ids)
    excluded = np.array([str(item) in stock.unavailable for item in interactions.item_ids], bool)
    categories = _members(stock, interactions)
    by_segment = list(_by_segment(pairs, interactions, segments))
    newest = int(pairs.last.max()) if pairs.last is not None else 0
    for name in words(settings.lists):
        whole = _ranked(name, pairs, newest, excluded, settings)
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
        for segment, its in by_segment:
            if (ranked := _ranked(name, its, newest, excluded, settings)) is not None:
                found.append((Listed(name, SEGMENT, segment), ranked[0][: settings.lists_depth], ranked[1][: settings.lists_depth]))
    if not found:
        return {}
    return {
        "lists_items": np.concatenate([items for _, items, _ in found]).astype(np.int32),
        "lists_scores": np.concatenate([scores for _, _, scores in found]),
        "lists_ends": np.cumsum([len(items) for _, items, _ in found], dtype=np.int64),
        "lists_names": np.frombuffer(encode_names([listed for listed, *_ in found]), np.uint8),
    }


def _pairs(interactions: Interactions) -> Pairs:
    user, item, time = interactions.user_idx, interactions.item_idx, interactions.time
    key = user.astype(np.int64) * len(interactions.item_ids) + item
    order = np.argsort(key, kind="stable") if time is None else np.lexsort((time, key))
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    ends = np.append(starts[1:], len(order)) - 1
    first, last = (None, None) if time is None else (time[order[starts]], time[order[ends]])
    return Pairs(user[order[starts]], item[order[starts]], first, last)


def _ranked(name: str, pairs: Pairs, newest: int, excluded: Array, settings: Settings) -> tuple[Array, Array] | None:
    """Items, best first, and their scores; None for a list that needs times where there are none."""
    items, at = np.unique(pairs.item, return_inverse=True)
    if name == "popular":
        values: Array = np.bincount(at, minlength=len(items)).astype(np.float64)
    elif pairs.first is None or pairs.last is None:
        return None
    elif name == "trending":
        days = (newest - pairs.last) / DAY_S
        weights = np.where(days <= settings.trending_days, np.exp2(-days / settings.trending_half_life_days), 0.0)
        values = np.bincount(at, weights=weights, minlength=len(items))
    else:
        values = np.full(len(items), np.inf)
        np.minimum.at(values, at, pairs.first / DAY_S)
    scores = values.astype(np.float32)
    order = np.argsort(-scores, kind="stable")
    order = order[~excluded[items[order]] & (scores[order] != 0)]
    return items[order], scores[order]


def _members(stock: Stock, interactions: Interactions) -> dict[str, Array]:
    """item_idx of the items of each category, in the order of the names."""
    known = (stock.items or NOTHING).categories()
    found: dict[str, list[int]] = {}
    for at, item_id in enumerate(interactions.item_ids):
        for category in known.get(str(item_id), ()):
            found.setdefault(category, []).append(at)
    return {name: np.array(found[name]) for name in _largest({name: len(members) for name, members in found.items()}, "categories")}


def _by_segment(pairs: Pairs, interactions: Interactions, segments: Mapping[str, str]) -> Iterator[tuple[str, Pairs]]:
    """The pairs of each segment's users, in the order of the names."""
    counts: dict[str, int] = {}
    of_user = [segments.get(str(user_id), "") for user_id in interactions.user_ids] if segments else []
    for segment in filter(None, of_user):
        counts[segment] = counts.get(segment, 0) + 1
    names = _largest({name: n for name, n in counts.items() if n >= MIN_USERS}, "segments")
    if not names:
        return
    numbers = {name: number for number, name in enumerate(names)}
    of_pair = np.array([numbers.get(segment, -1) for segment in of_user])[pairs.user]
    order = np.argsort(of_pair, kind="stable")
    edges = np.searchsorted(of_pair[order], np.arange(len(names) + 1))
    for number, name in enumerate(names):
        yield name, pairs.of(order[edges[number] : edges[number + 1]])


def _largest(counts: Mapping[str, int], what: str) -> list[str]:
    """Names with the greatest counts, up to MAX_GROUPS, sorted."""
    if len(counts) > MAX_GROUPS:
        log.warning("there are %s %s: lists are made of the %s greatest", f"{len(counts):,}", what, f"{MAX_GROUPS:,}")
    return sorted(sorted(counts, key=lambda name: (-counts[name], name))[:MAX_GROUPS])
