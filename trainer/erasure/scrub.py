"""Takes erased users out of an artifact: their ids and rows are overwritten with zeros, in place, and the manifest says where.

Positions, shards and all other rows stay as they are, so that workers may go on scoring it meanwhile. The similarity stays, too: it
is an aggregate over all users, and the next run counts without them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from contract.artifacts import mirror
from contract.artifacts.artifact import Array, Artifact, folder_of, open_artifact
from contract.artifacts.artifact_writer import sealed, write_manifest
from contract.artifacts.copies import alone
from contract.artifacts.object_store import is_remote
from contract.formats.manifest import UNSEALED
from contract.store.erasure import Erasure

ROWS = {"indices": "indptr", "affinity": "indptr", "unity": "indptr", "disliked_indices": "disliked_indptr", "seen_indices": "seen_indptr"}
ROWS |= dict.fromkeys(("event_items", "event_weights", "event_times", "event_targets"), "event_indptr")
"""Arrays of rows of users, and which array says where a row begins."""

READ = {*ROWS, *ROWS.values(), "exponent", "user_ids", "user_ids_ends", "shards"}
"""Arrays that say where a user's rows are, and those that are sealed anew: damaged ones would mislead, or pass for whole afterwards."""


def scrub(url: str, generation: str, erasure: Erasure, until: float = math.inf) -> list[int]:
    """Overwrite what the artifact still holds of users erased until a revision; their user_idx, those of earlier calls included.

    Raises ArtifactError.

    The manifest names them first, with the arrays unsealed: a call that was cut short is made good by the next one. In an object store
    changed arrays replace the old ones.
    """
    if not is_remote(url):
        return _scrub(url, generation, erasure, until)
    with alone(folder_of(url), generation):
        erased = _scrub(url, generation, erasure, until)
        mirror.push_changes(url, generation)
        return erased


def _scrub(url: str, generation: str, erasure: Erasure, until: float) -> list[int]:
    artifact = open_artifact(url, generation)
    manifest, folder = artifact.manifest, folder_of(url) / generation
    changed = [name for name in (*ROWS, "exponent", "user_ids") if name in artifact.arrays]
    erased = sorted({*manifest.erased, *(erasure.positions(artifact.ids("user_ids"), until) if erasure.revision() else [])})
    if len(erased) == len(manifest.erased) and all(manifest.arrays[name].crc32 != UNSEALED for name in changed):
        return erased
    unsealed = {name: manifest.arrays[name].model_copy(update={"crc32": UNSEALED}) for name in changed}
    manifest = manifest.model_copy(update={"erased": tuple(erased), "arrays": {**manifest.arrays, **unsealed}})
    write_manifest(folder, manifest)
    for name in changed:
        values = np.load(folder / f"{name}.npy", mmap_mode="r+")
        for at in erased:
            values[_range(artifact, name, at)] = 0
        values.flush()
    write_manifest(folder, manifest.with_arrays({**manifest.arrays, **{name: sealed(folder / f"{name}.npy") for name in changed}}))
    return erased


def popular_counts(artifact: Artifact) -> Sequence[int]:
    """How many users have each item of the popularity list, or have taken it where the run has a target; nobody who was erased counts."""
    if "seen_indices" in artifact.arrays:
        counts = _counted(artifact, "seen_indices")
        if "disliked_indices" in artifact.arrays:  # which are seen, and not taken
            counts -= _counted(artifact, "disliked_indices")
    else:
        counts = _counted(artifact, "indices")
    chosen: list[int] = counts[artifact["popular"]].tolist()
    return chosen


def _counted(artifact: Artifact, name: str) -> Array:
    """How often each item stands in rows of users, without those of erased users, which hold zeros for items."""
    counts = np.bincount(artifact[name], minlength=artifact.manifest.n_items)
    indptr = artifact[ROWS[name]]
    counts[0] -= sum(int(indptr[at + 1] - indptr[at]) for at in artifact.manifest.erased)
    return counts


def _range(artifact: Artifact, name: str, at: int) -> slice:
    if name in ROWS:
        return slice(int(artifact[ROWS[name]][at]), int(artifact[ROWS[name]][at + 1]))
    if name == "user_ids" and "user_ids_ends" in artifact.arrays:
        ends = artifact["user_ids_ends"]
        return slice(int(ends[at - 1]) if at else 0, int(ends[at]))
    return slice(at, at + 1)
