"""Why a listed item is listed: the seen items that contributed most to its score, from an artifact's arrays. No Redis here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from contract.formats import explanations, payload
from contract.formats.keys import Id
from engine.score import explain_kernels as kernels
from engine.score.scoring import TopK, plain
from engine.score.vector_code import TILE

Array = npt.NDArray[Any]
_LINE = 16  # float32 in a cache line
_WIDTHS: dict[int, npt.DTypeLike] = {1: np.uint8, 2: np.uint16, 4: np.uint32}


@dataclass(frozen=True, slots=True)
class Contributors:
    """What made the lists of n users. Of listed item r of user u, `counts[u, r]` contributors lie at `first[u] + r · width[u]` of
    `items` and `shares`, strongest first.

    `lengths` int32 (n): of the lists; `first` int64 (n), `width` int32 (n): slots of one listed item; `counts` int32 (n, depth);
    `items` int32 (slots): item_idx; `shares` float32 (slots): of the score before normalisation.
    """

    lengths: npt.NDArray[np.int32]
    first: npt.NDArray[np.int64]
    width: npt.NDArray[np.int32]
    counts: npt.NDArray[np.int32]
    items: npt.NDArray[np.int32]
    shares: npt.NDArray[np.float32]


def explain_users(arrays: Mapping[str, Array], start: int, end: int, top: TopK, *, n_items: int, explain_depth: int) -> Contributors:
    """The `explain_depth` >= 1 strongest contributors of each item in the lists `top` of user_idx `start` to `end`.

    The score of item i before normalisation is Σ affinity[j] · similarity[j, i] over the seen items j, with i itself where it was seen
    (recommenders 1.2.1, sar_singlenode.py). A share is one term over that sum; the user's `exponent` cancels. Only positive terms
    are contributors, strongest first, then by rising item_idx. A similarity with negative values (mutual information) has terms
    that take away: the positive shares then add up to more than 1.

    `arrays` as contract/formats/artifact.py names them, in either layout; `n_items` as in score_users. Memory beyond them: 8 bytes for
    each of min(explain_depth, seen items) slots of a listed item, and about 28 for each listed item.
    """
    indptr = plain(arrays["indptr"])
    seen = np.diff(indptr[start : end + 1])
    width = np.minimum(seen, explain_depth).astype(np.int32)
    most_seen, widest = int(seen.max(initial=0)), int(width.max(initial=0))
    ends = np.concatenate((np.zeros(1, np.int64), np.cumsum(width.astype(np.int64) * top.lengths)))
    made = Contributors(
        lengths=top.lengths,
        first=ends[:-1],
        width=width,
        counts=np.zeros(top.items.shape, np.int32),
        items=np.zeros(ends[-1], np.int32),
        shares=np.zeros(ends[-1], np.float32),
    )
    rows = (indptr, plain(arrays["indices"]), plain(arrays["affinity"]), start, widest)
    out = (made.first, width, made.counts, made.items, made.shares)
    if "similarity" in arrays:
        kernels.explain_dense(plain(arrays["similarity"]), _by_column(top), top.items, most_seen, *rows, *out)
    else:
        similarity = [plain(arrays[f"similarity_{part}"]) for part in ("indptr", "indices", "data")]
        kernels.explain_sparse(*similarity, n_items, top.items, top.lengths, *rows, *out)
    return made


def encode_contributors(made: Contributors, item_ids: Sequence[Id], boosts: npt.NDArray[np.float32] | None = None) -> list[bytes]:
    """The explanation of every list, as contract.formats.explanations.encode makes it, without a Python object per contributor.

    `item_ids` are those of all items, in the order of item_idx. `boosts` (n, depth): of the listed items, where the run has some.
    """
    total, n_users = int(made.counts.sum()), made.lengths.size
    positions, packed, distinct = np.empty(total, np.int32), np.empty(total, np.float32), np.empty(total, np.int32)
    ends = np.empty((n_users + 1, 2), np.int64)
    slots = (made.lengths, made.first, made.width, made.counts, made.items, made.shares)
    kernels.pack(len(item_ids), *slots, positions, packed, distinct, ends)
    bytes_of, out = _id_encoder(item_ids), []
    begin, first = 0, 0
    for u, (stop, last) in enumerate(ends[1:].tolist()):
        n, d = int(made.lengths[u]), last - first
        kind, ids = bytes_of(distinct[first:last])
        number = _WIDTHS[explanations.width_of(d)]
        boosted = boosts is not None and n > 0
        head = explanations.HEADER.pack(explanations.BOOSTED_FORMAT if boosted else explanations.FORMAT, kind, n, d)
        if boosts is not None:
            head += boosts[u, :n].tobytes()
        numbers = made.counts[u, :n].astype(number).tobytes() + positions[begin:stop].astype(number).tobytes()
        out.append(head + numbers + packed[begin:stop].tobytes() + ids)
        begin, first = stop, last
    return out


def warm() -> None:
    """Compile, or load from Numba's cache, all that `explain_users` and `encode_contributors` call."""
    rows: dict[str, Array] = {"indptr": np.array([0, 1], np.int64), "indices": np.zeros(1, np.int32), "affinity": np.ones(1, np.float32)}
    dense: dict[str, Array] = {"similarity": np.ones((1, 1, TILE), np.float32)}
    sparse: dict[str, Array] = {
        "similarity_indptr": np.array([0, 1], np.int64),
        "similarity_indices": np.zeros(1, np.int32),
        "similarity_data": np.ones(1, np.float32),
    }
    top = TopK(np.zeros((1, 1), np.int32), np.ones((1, 1), np.float32), np.ones(1, np.int32))
    for similarity in (dense, sparse):
        encode_contributors(explain_users({**rows, **similarity}, 0, 1, top, n_items=1, explain_depth=1), [0])


def _by_column(top: TopK) -> npt.NDArray[np.int64]:
    """user · depth + rank of all listed items, ordered by column in steps of a cache line."""
    is_listed = np.arange(top.items.shape[1]) < top.lengths[:, None]
    lines = top.items[is_listed] // _LINE
    return np.flatnonzero(is_listed)[np.argsort(lines.astype(np.uint16), kind="stable")]  # 16 bits: NumPy sorts these in linear time


def _id_encoder(item_ids: Sequence[Id]) -> Callable[[Array], tuple[int, bytes]]:
    """A function from item_idx to the kind and the bytes of their ids."""
    if item_ids and isinstance(item_ids[0], str):
        texts = [str(item).encode() for item in item_ids]
        lengths = np.array([len(text) for text in texts], dtype=np.uint16)

        def encode_texts(chosen: Array) -> tuple[int, bytes]:
            if not chosen.size:
                return payload.INT32, b""  # what encode() says of no ids
            return payload.TEXT, lengths[chosen].tobytes() + b"".join([texts[item] for item in chosen.tolist()])

        return encode_texts
    ids = np.asarray(item_ids, dtype=np.int64)
    narrow = ids.astype(np.int32)
    fits = narrow == ids

    def encode_integers(chosen: Array) -> tuple[int, bytes]:
        if fits[chosen].all():
            return payload.INT32, narrow[chosen].tobytes()
        return payload.INT64, ids[chosen].tobytes()

    return encode_integers
