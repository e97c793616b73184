"""Whether a published list is the one that scores which are computed a second time would make."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from contract.formats.keys import Id
from trainer.verify.diverse import Diverse
from trainer.verify.rescore import Rescored

TOLERANCE = 1e-5


def disagreement(
    rescored: Rescored,
    items: Sequence[int],
    scores: Sequence[float],
    depth: int,
    names: Sequence[Id],
    diverse: Diverse | None = None,
    marked: Sequence[int] = (),
) -> str:
    """What a published list, as item_idx and scores, has that the recomputed one has not; "" if they agree up to ties.

    Scores may differ by TOLERANCE of the score, or of the user's best one up to 1, and by what float32 sums may be off. `names`: item ids.
    `diverse`: how the run makes lists diverse; None: they are in the order of their scores. `marked`: places, from 0, that explore
    (explored.py): all other items are held against the list that would be there without them.
    """
    at, values = np.asarray(items, np.int64), np.asarray(scores, np.float64)
    best = np.abs(rescored.scores[rescored.possible]).max(initial=0.0)
    expected, allowed = rescored.scores[at], TOLERANCE * np.maximum(np.abs(values), min(1.0, best)) + rescored.doubt[at]
    if len(set(items)) < len(items):
        return "an item is listed twice"
    for item in at[~rescored.possible[at]].tolist():
        return f"item {names[item]} is listed, which is excluded, or the user has seen or disliked, or nothing of the user's is similar to"
    for place in np.flatnonzero(~(np.abs(values - expected) <= allowed)).tolist():
        return f"item {names[items[place]]} has the score {values[place]:.7g}; recomputed it is {expected[place]:.7g}"
    own = np.delete(np.arange(at.size), list(marked))
    if diverse is not None:
        return diverse.wrong(rescored, at[own], depth, names, at[list(marked)])
    falls, slack = expected[own], allowed[own]
    for place in np.flatnonzero(falls[1:] - falls[:-1] > slack[1:] + slack[:-1]).tolist():
        return f"item {names[at[own[place]]]} stands before {names[at[own[place + 1]]]}, which scores more"
    left_out, n_sure = rescored.sure.copy(), int(rescored.sure.sum())
    left_out[at] = False
    if (categories := rescored.categories) is not None:
        if too_many := categories.too_many(at):
            return too_many
        better = expected[None, :] + allowed >= (rescored.scores - rescored.doubt)[left_out, None]
        is_full = categories.full(np.flatnonzero(left_out), at, better)
        n_sure -= int(is_full.sum())
        left_out[left_out] = ~is_full
    least, most = min(depth, n_sure), min(depth, int(rescored.possible.sum()))
    if not least <= len(items) <= most:
        return f"the list has {len(items)} items; recomputed it has {least if least == most else f'{least} to {most}'}"
    if len(items) == depth and falls.size:  # only what scores more than the last one
        left_out &= rescored.scores - rescored.doubt > falls[-1] + 2 * slack[-1]
    if not left_out.any():
        return ""
    missing = int(np.argmax(np.where(left_out, rescored.scores, -np.inf)))
    return f"item {names[missing]} is not listed; recomputed its score is {rescored.scores[missing]:.7g}"
