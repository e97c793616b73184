"""What lists are worth besides finding what was held out: at k, over the lists of the evaluated users.

n items of the training part, x_i times item i is listed, p_i the part of all users of the training part who have it.

gini         Σ (2 r - n - 1) x_(r) / (n Σ x), x_(1) <= x_(2) <= ...        Fleder, Hosanagar, Management Science 2009
popularity   mean of p_i over all places                                     Abdollahpouri et al., RecSys 2017 (ARP)
long_tail    part of the places whose item is not of the head: the most popular items that have four fifths of all pairs   the same (APLT)
novelty      mean of -log2 p_i over all places                               Zhou et al., PNAS 2010; Vargas, Castells, RecSys 2011
diversity    1 - mean cosine of two items of a list, over lists with two     Ziegler et al., WWW 2005
serendipity  part of the places that are hits and not in the popular list of that user     Ge et al., RecSys 2010

Coverage stands with the ranking metrics. The cosine is |U_i and U_j| / √(|U_i| |U_j|) of the sets of users who have the items, over at
most MOST_USERS users and the lists of MOST_LISTS, evenly spaced.
"""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
from scipy import sparse

from contract.formats.beyond import Beyond, ItemThird, Segments, Third, UserThird
from engine.arrays import Array
from engine.fit.rows import Rows
from trainer.evaluation.holdout import HeldOut
from trainer.evaluation.per_user import PerUser
from trainer.fitting.fit_model import Seen

HEAD = 0.8
MOST_USERS, MOST_LISTS = 20_000, 1000
DECIMALS = 6


def figures(held: HeldOut, rows: Rows | Seen, measured: PerUser, lists: Array, baseline: PerUser, popular: Array) -> dict[str, Any]:
    """Fields of an Evaluation. `lists`, of which `measured` says what is found, and `popular`, `baseline`: of the same users, by the
    item_idx of all interactions, -1: no item; `rows`: of the training part."""
    n_items = held.items.size
    model, popularity, wanted = (_numbers(held.items, named) for named in (lists, popular, held.item_idx))
    return {
        "beyond": beyond(model, popularity, measured.hits, rows, n_items),
        "beyond_popularity": beyond(popularity, popularity, baseline.hits, rows, n_items),
        "segments": segments(measured, model, measured.hits, wanted, rows, n_items),
    }


def beyond(lists: Array, popular: Array, hits: Array, rows: Rows | Seen, n_items: int) -> Beyond:
    """`lists`, `popular`: the model's and popularity's, (users, k), by the item_idx of `rows`, -1: no item; `hits`: places of `lists` that
    are found."""
    counts, n_users = np.bincount(rows.indices, minlength=n_items), rows.indptr.size - 1
    listed = lists[lists >= 0]
    if not listed.size:
        return Beyond(gini=0, popularity=0, long_tail=0, novelty=0, diversity=0, serendipity=0)
    parts = counts[listed] / n_users
    surprising = hits & ~(lists[:, :, None] == popular[:, None, :]).any(axis=2)
    found = {
        "gini": gini(np.bincount(listed, minlength=n_items)),
        "popularity": float(parts.mean()),
        "long_tail": float((~_head(counts)[listed]).mean()),
        "novelty": float(-np.log2(np.maximum(parts, 1 / n_users)).mean()),  # of an item that nobody has met: as if one user had
        "diversity": _diversity(lists, rows, n_items),
        "serendipity": float(surprising.mean()),
    }
    return Beyond(**{name: round(value, DECIMALS) for name, value in found.items()})


def gini(times: Array) -> float:
    """Of how often each thing occurs; at least one does."""
    rising = np.sort(times).astype(np.float64)
    n = rising.size
    return float(((2 * np.arange(1, n + 1) - n - 1) * rising).sum() / (n * rising.sum()))


def segments(measured: PerUser, lists: Array, hits: Array, wanted: Array, rows: Rows | Seen, n_items: int) -> Segments:
    """By thirds: users by their number of pairs in `rows`, items by that of their users; ties by number. `wanted`: item_idx of the pairs
    that were to be found, -1 for an item that `rows` lack."""
    active = by_activity(rows, measured.users)
    popular = _thirds(np.bincount(rows.indices, minlength=n_items))
    listed = lists[lists >= 0]
    of_wanted, of_found = popular[wanted[wanted >= 0]], popular[lists[hits]]
    users: dict[Third, UserThird] = {}
    items: dict[Third, ItemThird] = {}
    for at, name in enumerate(get_args(Third)):
        of_users = active == at
        n_wanted = int((of_wanted == at).sum())
        ndcg = measured.ndcg[of_users]
        users[name] = UserThird(n=ndcg.size, ndcg=_mean(ndcg), recall=_mean(measured.recall[of_users]), ndcg_error=_error(ndcg))
        items[name] = ItemThird(
            n=int((popular == at).sum()),
            wanted=_part(n_wanted, wanted.size),
            recall=_part(int((of_found == at).sum()), n_wanted),
            listed=_part(int((popular[listed] == at).sum()), listed.size),
        )
    return Segments(users=users, items=items)


def by_activity(rows: Rows | Seen, users: Array) -> Array:
    """For each of `users` the third, 0 to 2, by the number of pairs in `rows`."""
    return _thirds(np.diff(rows.indptr)[users])


def _head(counts: Array) -> Array:
    """Mask of the fewest items that have HEAD of all pairs."""
    order = np.argsort(-counts, kind="stable")
    before = np.cumsum(counts[order]) - counts[order]
    mask = np.zeros(counts.size, np.bool_)
    mask[order[before < HEAD * counts.sum()]] = True
    return mask


def _diversity(lists: Array, rows: Rows | Seen, n_items: int) -> float:
    if lists.shape[1] < 2:  # one item is not like another
        return 0.0
    chosen = lists[_spaced(len(lists), MOST_LISTS)]
    users = _spaced(rows.indptr.size - 1, MOST_USERS)
    items, where = np.unique(np.maximum(chosen, 0), return_inverse=True)
    seen = sparse.csr_matrix((np.ones(rows.indices.size, np.float32), rows.indices, rows.indptr), shape=(rows.indptr.size - 1, n_items))
    columns = seen[users][:, items]
    counts = np.asarray(columns.sum(axis=0)).ravel()
    scale = sparse.diags(1 / np.sqrt(np.maximum(counts, 1)))
    cosine = (scale @ (columns.T @ columns) @ scale).tocsr()
    where = where.reshape(chosen.shape)
    first, second = np.triu_indices(chosen.shape[1], 1)
    there = (chosen[:, first] >= 0) & (chosen[:, second] >= 0)
    pairs = np.asarray(cosine[where[:, first].ravel(), where[:, second].ravel()]).reshape(there.shape) * there
    n_pairs = there.sum(axis=1)
    several = n_pairs > 0
    return float(1 - (pairs.sum(axis=1)[several] / n_pairs[several]).mean()) if several.any() else 0.0


def _numbers(items: Array, named: Array) -> Array:
    """Numbers of the training part; -1 of what it does not have."""
    at = np.minimum(np.searchsorted(items, named), items.size - 1)
    return np.where(items[at] == named, at, -1)


def _spaced(n: int, most: int) -> Array:
    return np.unique(np.linspace(0, n - 1, min(n, most)).astype(np.int64))


def _thirds(values: Array) -> Array:
    """0, 1 or 2 for each, by rank."""
    order = np.argsort(values, kind="stable")
    third = np.empty(values.size, np.int64)
    third[order] = 3 * np.arange(values.size) // max(1, values.size)
    return third


def _mean(values: Array) -> float:
    return round(float(values.mean()), DECIMALS) if values.size else 0.0


def _error(values: Array) -> float | None:
    return round(float(values.std(ddof=1) / np.sqrt(values.size)), DECIMALS) if values.size > 1 else None


def _part(part: int, whole: int) -> float:
    return round(part / whole, DECIMALS) if whole else 0.0
