"""What became of the items that people knew: popular ones of the served generation that are in no interaction of the new one.

A category that is missing from an export takes few items and few users with it, and moves no average. Items that many have seen do not
vanish by themselves, unless their last interaction lies before the first one of the new data: those have run out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from contract.artifacts.artifact import Artifact
from contract.formats.keys import Id
from contract.settings.settings import GateSettings
from trainer.evaluation.findings import Found, finding

USERS = 10  # an item that so many have seen is known
FEW = 4  # so many may go, however small the catalogue is
_SHOWN = 3


class Known(NamedTuple):
    """`n`: items of the served generation that USERS or more have seen. `gone`: those that the new one has not, most seen first."""

    n: int
    gone: tuple[Id, ...]


def known_items(new: Artifact, old: Artifact) -> Known:
    """Look. Ids of another type are other ids: then nothing is said, as that is another rule's."""
    if new.manifest.item_id_type != old.manifest.item_id_type:
        return Known(0, ())
    counts = np.bincount(old["indices"], minlength=old.manifest.n_items)
    for user in old.manifest.erased:  # their rows hold zeros
        counts[0] -= old["indptr"][user + 1] - old["indptr"][user]
    known = np.flatnonzero(counts >= USERS)
    order = known[np.argsort(-counts[known], kind="stable")]
    ids, here = old.ids("item_ids"), set(new.ids("item_ids"))
    return Known(known.size, tuple(ids[at] for at in order.tolist() if ids[at] not in here and not _has_run_out(new, old, at)))


def gone(known: Known, limits: GateSettings) -> Iterator[Found]:
    n, limit = len(known.gone), limits.gate_max_known_items_drop
    if n > most_gone(known, limits):
        shown = ", ".join(repr(item)[:40] for item in known.gone[:_SHOWN])
        text = (
            f"{n:,} of {known.n:,} items that {USERS} or more users of the current generation have seen are in no interaction "
            f"({shown}{', ...' if n > _SHOWN else ''}): a part of the catalogue is missing"
        )
        yield "refuse", finding("gate_max_known_items_drop", n, known.n, text, limit)


def most_gone(known: Known, limits: GateSettings) -> int:
    """So many popular items may be gone."""
    return max(FEW, int(limits.gate_max_known_items_drop * known.n))


def _has_run_out(new: Artifact, old: Artifact, item: int) -> bool:
    since = new.manifest.data_since_s
    return since is not None and "item_last" in old.arrays and int(old["item_last"][item]) < since
