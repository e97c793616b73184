"""Compiled inner loops of engine/ranking/explore.py. Arrays in, arrays out."""

from __future__ import annotations

import numpy as np
from numba import njit

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_WAITS, _STANDS = np.int8(1), np.int8(2)  # of an item: it is of the list that there was, and has no place yet; it has one


@njit(cache=True)
def drawn(seed, item):  # type: ignore[no-untyped-def]
    """A number for each user and item, uint64: who has the least comes first."""
    z = seed + np.uint64(item + 1) * _STEP
    z = (z ^ (z >> np.uint64(30))) * _FIRST
    z = (z ^ (z >> np.uint64(27))) * _SECOND
    return z ^ (z >> np.uint64(31))


@njit(inline="always")
def _has_room(item, gone, category_indptr, category_indices, taken, most):  # type: ignore[no-untyped-def]
    """Whether the categories of `item` have room once `gone`, -1 for none, is away."""
    if most == 0:
        return True
    for at in range(category_indptr[item], category_indptr[item + 1]):
        n = taken[category_indices[at]]
        if gone >= 0:
            for other in range(category_indptr[gone], category_indptr[gone + 1]):
                n -= category_indices[other] == category_indices[at]
        if n >= most:
            return False
    return True


@njit(inline="always")
def _count(item, by, category_indptr, category_indices, taken):  # type: ignore[no-untyped-def]
    for at in range(category_indptr[item], category_indptr[item + 1]):
        taken[category_indices[at]] += by


@njit(nogil=True, cache=True)
def explore(top, pool, seeds, every, rules, n_items, out, marks):  # type: ignore[no-untyped-def]
    """Lists from lists: every `every`-th place goes to the next item of the pool, in the order that is drawn, the others stay in order.

    top, pool TopK; seeds uint64 (n); Rules, of which the categories are looked at. Out: out TopK, marks bool (n, depth), False.
    """
    indptr, indices, most = rules.category_indptr, rules.category_indices, rules.most
    depth = out.items.shape[1]
    state, taken = np.zeros(n_items, np.int8), np.zeros(rules.n_categories, np.int32)
    keys = np.empty(pool.items.shape[1], np.uint64)
    for u in range(top.lengths.size):
        n = top.lengths[u]
        for c in range(pool.lengths[u]):
            keys[c] = drawn(seeds[u], pool.items[u, c])
        order = np.argsort(keys[: pool.lengths[u]], kind="mergesort")
        for r in range(n):
            state[top.items[u, r]] = _WAITS
            _count(top.items[u, r], 1, indptr, indices, taken)
        length, head, tail, candidate, placed = n, 0, n - 1, 0, 0  # length: of the list that comes of it
        while placed < depth:
            found = -1
            while (placed + 1) % every == 0 and candidate < pool.lengths[u] and found < 0:
                c = order[candidate]
                item = pool.items[u, c]
                candidate += 1
                if state[item] == _STANDS:
                    continue
                if state[item] != _WAITS:
                    gone = -1
                    if length == depth:
                        while state[top.items[u, tail]] != _WAITS:
                            tail -= 1
                        gone = top.items[u, tail]
                    if not _has_room(item, gone, indptr, indices, taken, most):
                        continue
                    if gone >= 0:
                        state[gone] = 0
                        _count(gone, -1, indptr, indices, taken)
                    else:
                        length += 1
                    _count(item, 1, indptr, indices, taken)
                found = c
            if found >= 0:
                item, score = pool.items[u, found], pool.scores[u, found]
                marks[u, placed] = True
            else:
                while head < n and state[top.items[u, head]] != _WAITS:
                    head += 1
                if head == n:
                    break
                item, score = top.items[u, head], top.scores[u, head]
            state[item] = _STANDS
            out.items[u, placed], out.scores[u, placed] = item, score
            placed += 1
        out.lengths[u] = placed
        for r in range(n):
            state[top.items[u, r]] = 0
        for r in range(placed):
            state[out.items[u, r]] = 0
        taken[:] = 0
