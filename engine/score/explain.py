"""Why a listed item is listed: the seen items that contributed most to its score, from an artifact's arrays. No Redis here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from contract.formats import explanations, payload
from contract.formats.keys import Id
from engine.arrays import Array
from engine.score import explain_kernels as kernels
from engine.score.structures import AffinityRows, Contributors, TopK
from engine.similarity_matrix import DenseTiles, as_plain_array, by_layout, similarity_of

__all__ = ["Contributors", "encode_contributors", "explain_users"]

_LINE = 16  # float32 in a cache line
_WIDTHS: dict[int, npt.DTypeLike] = {1: np.uint8, 2: np.uint16, 4: np.uint32}


def explain_users(arrays: Mapping[str, Array], start: int, end: int, top: TopK, *, explain_depth: int) -> Contributors:
    """The `explain_depth` >= 1 strongest contributors of each item in the lists `top` of user_idx `start` to `end`.

    The score of item i before normalisation is Σ affinity[j] · similarity[j, i] over the seen items j, with i itself where it was seen
    (recommenders 1.2.1, sar_singlenode.py), and the prior of i where the run has one. A share is one term over that sum, or the prior
    over it: all of them add up to 1; the user's `exponent` cancels. Terms that are not 0 are contributors, strongest first, then by rising
    item_idx; where similarities are negative, some take away, and the shares of the others may be above 1.

    `arrays` as contract/artifacts/artifact.py names them, in either layout. Memory beyond them: 8 bytes for
    each of min(explain_depth, seen items) slots of a listed item, and about 28 for each listed item.
    """
    rows = AffinityRows.of(arrays, normalize=False)
    seen = np.diff(rows.indptr[start : end + 1])
    width = np.minimum(seen, explain_depth).astype(np.int32)
    ends = np.concatenate((np.zeros(1, np.int64), np.cumsum(width.astype(np.int64) * top.lengths)))
    made = Contributors(
        lengths=top.lengths,
        first=ends[:-1],
        width=width,
        counts=np.zeros(top.items.shape, np.int32),
        items=np.zeros(ends[-1], np.int32),
        shares=np.zeros(ends[-1], np.float32),
        priors=np.zeros(top.items.shape if "prior" in arrays else (0, 0), np.float32),
    )
    explain = by_layout(similarity_of(arrays), _explain_dense, kernels.explain_sparse)
    explain(rows, start, top, made, int(width.max(initial=0)), as_plain_array(arrays.get("prior", np.empty(0, np.float32))))
    return made


def _explain_dense(
    similarity: DenseTiles, rows: AffinityRows, start: int, top: TopK, made: Contributors, widest: int, prior: Array
) -> None:
    most_seen = int(np.diff(rows.indptr[start : start + top.lengths.size + 1]).max(initial=0))
    kernels.explain_dense(similarity, rows, start, top, made, widest, prior, _by_column(top), most_seen)


def encode_contributors(made: Contributors, item_ids: Sequence[Id], boosts: npt.NDArray[np.float32] | None = None) -> list[bytes]:
    """The explanation of every list, as contract.formats.explanations.encode makes it, without a Python object per contributor.

    `item_ids` are those of all items, in the order of item_idx. `boosts` (n, depth): of the listed items, where the run has some.
    """
    total, n_users = int(made.counts.sum()), made.lengths.size
    positions, packed, distinct = np.empty(total, np.int32), np.empty(total, np.float32), np.empty(total, np.int32)
    ends = np.empty((n_users + 1, 2), np.int64)
    kernels.pack(len(item_ids), made, positions, packed, distinct, ends)
    bytes_of, out = _id_encoder(item_ids), []
    begin, first = 0, 0
    for u, (stop, last) in enumerate(ends[1:].tolist()):
        n, d = int(made.lengths[u]), last - first
        kind, ids = bytes_of(distinct[first:last])
        number = _WIDTHS[explanations.width_of(d)]
        boosted, prior = boosts is not None and n > 0, made.priors.size > 0 and n > 0
        head = explanations.HEADER.pack(explanations.format_of(boosted, prior), kind, n, d)
        if boosts is not None:
            head += boosts[u, :n].tobytes()
        if prior:
            head += made.priors[u, :n].tobytes()
        numbers = made.counts[u, :n].astype(number).tobytes() + positions[begin:stop].astype(number).tobytes()
        out.append(head + numbers + packed[begin:stop].tobytes() + ids)
        begin, first = stop, last
    return out


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
