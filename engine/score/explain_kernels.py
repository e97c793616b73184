"""Compiled inner loops of explanations. Arrays in, arrays out; explain.py calls them.

Seen item j gives listed item i the contribution affinity[j] · similarity[j, i], a product of two float32 numbers, which float64 holds
exactly: contributions compare and tie without rounding. Their sum, over rising j in float64, and the prior of i, if there is one, is the
score before normalisation. Contributions are strong by their magnitude, be they for the item or against it.

The slots of listed item r of user u, `width[u]` in number, begin at `first[u] + r · width[u]` of items and shares.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from contract.artifacts.artifact import TILE

SEARCH = 16  # what one costs in steps along a row
_MOST = np.finfo(np.float32).max


@njit(inline="always")
def _insert(items, strengths, n, item, strength):  # type: ignore[no-untyped-def]
    """Insert into a list that is sorted by falling magnitude, then rising item; its new length. A full list drops its last."""
    size = abs(strength)
    if n == items.shape[0]:
        last = abs(strengths[n - 1])
        if size < last or (size == last and item > items[n - 1]):
            return n
        n -= 1
    at = n
    while at > 0 and (abs(strengths[at - 1]) < size or (abs(strengths[at - 1]) == size and items[at - 1] > item)):
        strengths[at] = strengths[at - 1]
        items[at] = items[at - 1]
        at -= 1
    strengths[at] = strength
    items[at] = item
    return n + 1


@njit(inline="always")
def _share(strength, total):  # type: ignore[no-untyped-def]
    return np.float32(max(-_MOST, min(strength / total, _MOST)))


@njit(inline="always")
def _to_shares(strengths, n, total, shares):  # type: ignore[no-untyped-def]
    """Shares float32 from the n strongest contributions, float64, of a score `total`; how many of them there are.

    None where the sum is not positive: it was in float32, by a last bit, when similarities of both signs cancel.
    """
    if total <= 0.0:
        return 0
    for at in range(n):
        shares[at] = _share(strengths[at], total)
    return n


@njit(nogil=True, cache=True)
def explain_dense(similarity, rows, start, top, made, widest, prior, pairs, most_seen):  # type: ignore[no-untyped-def]
    """Fill the slots of Contributors from DenseTiles, AffinityRows, of which `start` is the first one's, and TopK.

    prior float32 (n_items), or empty.
    pairs int64: user · depth + rank, ordered by column, so that what is read of a tile stays in cache; most_seen, widest: the longest
    row, the largest width.
    """
    tiles, listed = similarity.tiles, top.items
    indptr, indices, affinity = rows.indptr, rows.indices, rows.affinity
    first, width, counts, items, shares = made.first, made.width, made.counts, made.items, made.shares
    depth = listed.shape[1]
    scratch = np.empty(widest, np.float64)
    terms = np.empty(most_seen, np.float64)
    for pair in pairs:
        u, r = pair // depth, pair % depth
        tile, column = tiles[listed[u, r] // TILE], listed[u, r] % TILE
        row, stop = indptr[start + u], indptr[start + u + 1]
        for t in range(row, stop):  # apart from the rest: loads that wait for nothing overlap
            terms[t - row] = np.float64(affinity[t]) * np.float64(tile[indices[t], column])
        at = first[u] + r * width[u]
        slots, strengths = items[at : at + width[u]], scratch[: width[u]]
        own = np.float64(prior[listed[u, r]]) if prior.size > 0 else 0.0
        n, total, bound = 0, 0.0, 0.0
        for t in range(stop - row):
            total += terms[t]
            if abs(terms[t]) > bound:
                n = _insert(slots, strengths, n, indices[row + t], terms[t])
                if n == width[u]:
                    bound = abs(strengths[n - 1])
        total += own
        if prior.size > 0 and total > 0.0:
            made.priors[u, r] = _share(own, total)
        counts[u, r] = _to_shares(strengths, n, total, shares[at : at + width[u]])


@njit(inline="always")
def _find(values, low, high, value):  # type: ignore[no-untyped-def]
    """Where `value` is in the rising values[low:high], or -1. Has no branch for the CPU to guess wrongly at every other step."""
    n = high - low
    while n > 1:
        half = n // 2
        low += half * (values[low + half] <= value)
        n -= half
    return low if n == 1 and values[low] == value else -1


@njit(nogil=True, cache=True)
def explain_sparse(similarity, rows, start, top, made, widest, prior):  # type: ignore[no-untyped-def]
    """As explain_dense, from a CsrSimilarity.

    One row of the similarity serves the whole list: a short one is gone through, in a long one each listed item is searched.
    """
    sim_indptr, sim_indices, sim_data = similarity
    n_items = sim_indptr.size - 1
    listed, lengths = top.items, top.lengths
    indptr, indices, affinity = rows.indptr, rows.indices, rows.affinity
    first, width, counts, items, shares = made.first, made.width, made.counts, made.items, made.shares
    depth = listed.shape[1]
    strengths = np.empty((depth, widest), np.float64)
    totals = np.empty(depth, np.float64)
    rank = np.full(n_items, -1, np.int32)  # of a listed item
    for u in range(lengths.size):
        for r in range(lengths[u]):
            rank[listed[u, r]] = r
            totals[r] = 0.0
        for t in range(indptr[start + u], indptr[start + u + 1]):
            low, high = sim_indptr[indices[t]], sim_indptr[indices[t] + 1]
            is_short = high - low <= SEARCH * lengths[u]
            for step in range(high - low if is_short else lengths[u]):
                at = low + step if is_short else _find(sim_indices, low, high, listed[u, step])
                r = (rank[sim_indices[at]] if is_short else step) if at >= 0 else -1
                if r >= 0:
                    strength = np.float64(affinity[t]) * np.float64(sim_data[at])
                    totals[r] += strength
                    if strength != 0.0:
                        slot, end = first[u] + r * width[u], first[u] + (r + 1) * width[u]
                        counts[u, r] = _insert(items[slot:end], strengths[r, : width[u]], counts[u, r], indices[t], strength)
        for r in range(lengths[u]):
            if prior.size > 0:
                own = np.float64(prior[listed[u, r]])
                totals[r] += own
                if totals[r] > 0.0:
                    made.priors[u, r] = _share(own, totals[r])
            counts[u, r] = _to_shares(strengths[r], counts[u, r], totals[r], shares[first[u] + r * width[u] :])
            rank[listed[u, r]] = -1


@njit(nogil=True, cache=True)
def pack(n_items, made, positions, packed, distinct, ends):  # type: ignore[no-untyped-def]
    """The contributors of each user without empty slots, and numbered in the order of their first use.

    Out, one user after the other: positions int32 and packed float32 (shares) of all contributors, distinct int32 (item_idx) of the
    different ones; ends int64 (users + 1, 2): where a user's begin in the first two and in the third.
    """
    lengths, first, width, counts, items, shares = made.lengths, made.first, made.width, made.counts, made.items, made.shares
    place = np.full(n_items, -1, np.int32)
    n, d = 0, 0
    ends[0, 0], ends[0, 1] = 0, 0
    for u in range(lengths.size):
        begin = d
        for r in range(lengths[u]):
            for at in range(first[u] + r * width[u], first[u] + r * width[u] + counts[u, r]):
                item = items[at]
                if place[item] < 0:
                    place[item] = d - begin
                    distinct[d] = item
                    d += 1
                positions[n], packed[n] = place[item], shares[at]
                n += 1
        for at in range(begin, d):
            place[distinct[at]] = -1
        ends[u + 1, 0], ends[u + 1, 1] = n, d
