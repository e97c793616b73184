"""Every model in a few lines of NumPy and float64, from a dense matrix of users × items."""

from __future__ import annotations

import numpy as np

from engine.arrays import Array
from engine.weighing.rows import UserRows, rows_of_events


def random_rows(seed: int, n_users: int = 40, n_items: int = 25, *, weighted: bool = False, moments: int = 0) -> UserRows:
    """Some pairs at random; users without items and items without users among them. Times are whole days; `moments` of them, 0 for 200."""
    random = np.random.default_rng(seed)
    x = random.random((n_users, n_items)) < random.uniform(0.02, 0.4, n_items)
    x[0] = False
    x[:, 3] = False
    user_idx, item_idx = np.nonzero(x)
    weights = random.integers(1, 6, user_idx.size).astype(np.float32) if weighted else np.ones(user_idx.size, np.float32)
    times = 86400 * random.integers(0, moments or 200, user_idx.size).astype(np.int64)
    return rows_of_events(user_idx, item_idx, weights, times, n_users, n_items)


def dense(rows: UserRows) -> Array:
    x = np.zeros((rows.n_users, rows.n_items))
    x[np.repeat(np.arange(rows.n_users), rows.widths()), rows.item_idx] = rows.weights
    return x


def ease(x: Array, ridge: float) -> Array:
    return edlae(x, 0.0, ridge)


def edlae(x: Array, dropout: float, ridge: float) -> Array:
    gram = x.T @ x
    p = np.linalg.inv(gram + dropout / (1 - dropout) * np.diag(np.diag(gram)) + ridge * np.eye(len(gram)))
    s: Array = -p / np.diag(p)
    np.fill_diagonal(s, 0)
    return s


def rp3beta(x: Array, alpha: float, beta: float) -> Array:
    with np.errstate(all="ignore"):
        to_user = np.nan_to_num(x / x.sum(0)) ** alpha
        to_item = np.nan_to_num(x / x.sum(1, keepdims=True)) ** alpha
        s: Array = np.nan_to_num((to_user.T @ to_item) / x.sum(0) ** beta)
    np.fill_diagonal(s, 0)
    return s


def itemknn(x: Array, weighting: str, shrinkage: float) -> Array:
    rarity = np.maximum(np.log(x.shape[1]) - np.log1p((x > 0).sum(1, keepdims=True)), 0)
    if weighting == "tfidf":
        x = np.sqrt(x) * rarity
    if weighting == "bm25":
        lengths = x.sum(0)
        x = x * 2.2 / (1.2 * (0.25 + 0.75 * lengths / lengths.mean()) + x) * rarity
    s = x.T @ x
    if weighting != "bm25":
        norms = np.sqrt(np.diag(s))
        s = s / np.maximum(np.outer(norms, norms) + shrinkage, 1e-300)
    np.fill_diagonal(s, 0)
    return s


def slit(rows: UserRows, ridge: float, past: float, future: float) -> Array:
    """From the definition: one pair of vectors for every cut of every user."""
    assert rows.timestamps is not None
    sources, targets = [], []
    for user in range(rows.n_users):
        part = slice(int(rows.indptr[user]), int(rows.indptr[user + 1]))
        _, moments = np.unique(rows.timestamps[part], return_inverse=True)
        items, weights = rows.item_idx[part], rows.weights[part]
        for cut in range(moments.max(initial=0)):
            source, target = np.zeros(rows.n_items), np.zeros(rows.n_items)
            is_past = moments <= cut
            source[items[is_past]] = weights[is_past] * past ** (cut - moments[is_past])
            target[items[~is_past]] = weights[~is_past] * future ** (moments[~is_past] - cut - 1)
            sources.append(source)
            targets.append(target)
    y, z = np.array(sources), np.array(targets)
    return np.linalg.solve(y.T @ y + ridge * np.eye(rows.n_items), y.T @ z)


def cut_columns(s: Array, most: int) -> Array:
    """Of each column the entries of greatest magnitude; ties to the lower row."""
    kept = np.zeros_like(s)
    for j in range(s.shape[1]):
        rows = np.lexsort((np.arange(len(s)), -np.abs(s[:, j])))[:most]
        kept[rows, j] = s[rows, j]
    return kept


def local(gram: Array, targets: Array, ridge: Array, most: int, *, own: bool = False) -> Array:
    """Column j from the `most` items of greatest cosine alone."""
    s = np.zeros_like(gram)
    with np.errstate(all="ignore"):
        cosines = np.nan_to_num(np.abs(targets) / np.sqrt(np.diag(gram))[:, None])
    for j in range(len(gram)):
        order = [i for i in np.lexsort((np.arange(len(gram)), -cosines[:, j])) if cosines[i, j] > 0 and (own or i != j)][:most]
        s[order, j] = np.linalg.solve(gram[np.ix_(order, order)] + np.diag(ridge[order]), targets[order, j])
    return s
