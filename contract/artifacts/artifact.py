"""A run's artifact: an immutable folder `<artifacts>/<generation>` of manifest.json and one .npy file per array.

array             dtype    shape                     what
user_ids          int64    n_users                   external ids in the order of user_idx: by bucket, then by id
                  uint8    bytes                     ... as UTF-8 where ids are strings, cut by user_ids_ends (int64, n_users)
item_ids          the same, sorted: item_idx is the order of item ids
indptr            int64    n_users + 1               CSR rows of the affinity matrix
indices           int32    n_interactions            item_idx, rising within a row: what the user has seen
affinity          float32  n_interactions            decayed weights, each row divided by 2 ** exponent of its user
unity             float32  n_interactions            the same of unit weights (normalised models only)
exponent          int32    n_users                   so that decay over decades does not underflow float32
similarity        float32  tiles x n_items x 64      dense layout: tile t holds columns 64 t to 64 t + 63 of all rows, the last
                                                     one padded with zeros, so that scoring reads a tile in one sweep
similarity_indptr, _indices, _data  int64, int32, float32   sparse layout: CSR, item_idx rising within a row
                                                     of either layout [i, j] is what the seen item i says for j
similar_indptr, _indices, _data    int64, int32, float32   CSR: similar items, item_idx rising within a row; not there where they are
                                                     what the rows of the similarity say (sar without new items)
prior             float32  n_items                   added to every user's sums, which then have exponent 0; not there without one
shards            int64    n_shards x 4              user_start, user_end, bucket_start, bucket_end (half open)
item_order        int32    n_items                   item_idx by bucket: the order in which lists of similar items are written
item_bucket_ends  int64    n_item_buckets            ... and where each bucket ends in it
popular           int32    <= depth                  item_idx, most interactions first
item_last         int64    n_items                   epoch seconds of an item's last interaction; not there without times
lists_items, _scores, _ends, _names   int32, float32, int64, uint8   named lists (named_lists.py); not there where none is cooked
disliked_indptr   int64    n_users + 1               CSR rows of users: what they met and did not like; not there where nobody
disliked_indices  int32    disliked pairs            did. item_idx, rising within a row: never in the user's list
seen_indptr       int64    n_users + 1               CSR rows of users: what they took, by events of the target, or disliked; what is seen,
seen_indices      int32    seen pairs                in place of `indices`. Not there without a target
event_indptr      int64    n_users + 1               CSR rows of users: the events that the rows were made from, by item, then as they
event_items       int32    events                    came; not there where events don't count at once, or repeated pairs are not added up.
event_weights     float32  events                    What the user disliked is not among them
event_times       int64    events                    epoch seconds; not there where the source has no times
event_targets     bool     events                    which are of the target; not there without one
excluded          int32    excluded items            item_idx, rising: in no list; not there where nothing is excluded
boost             float32  n_items                   factor of an item's scores; not there without boosts or a penalty on popularity
strongest         float32  n_items                   greatest weight in the item's row and column of the similarity, 0 where none is
                                                     positive; not there where lists are not made diverse
explored          int32    new items                 item_idx, rising: what fewer users have than new_items says; not there where
                                                     lists explore nothing
category_indptr   int64    n_items + 1               CSR rows of items: numbers of their categories, in the order of the names; not
category_indices  int32    categories of items       there without a limit per category

A folder is written aside, flushed, then renamed, so that what has its name is whole, and never changes, but for the rows of an
erased user (manifest: `erased`), which are overwritten with zeros. Arrays are memory-mapped read-only.
Addressed by URL: a folder (file://), or an object store with local copies (contract/artifacts/mirror.py).
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from contract.artifacts import mirror
from contract.artifacts.checksum import crc32_of
from contract.artifacts.copies import MANIFEST
from contract.artifacts.object_store import address_of, is_remote
from contract.errors import ArtifactError
from contract.formats.ids import is_generation_id
from contract.formats.keys import Id
from contract.formats.manifest import READABLE_FORMATS, UNSEALED, ArraySpec, Manifest

Array = npt.NDArray[Any]
TILE = 64  # columns of a tile of the dense layout
EVENTS_FOLDER = ".events"  # beside the artifacts: files of events (trainer/events/files.py)
IMPRESSIONS_FOLDER = ".impressions"  # the same of lists that were shown
READ_FOLDER = ".reading"  # beside the artifacts: what is kept of files that were read (trainer/kept/entries.py)


def folder_of(url: str) -> Path:
    """The folder of a file:// URL, or that of the local copies of an object store."""
    if is_remote(url):
        return address_of(url).folder
    parts = urlsplit(url)
    if parts.scheme != "file" or not parts.path.startswith("/"):
        raise ArtifactError(f"{url}: artifacts are addressed as file:///absolute/path, or as s3://bucket/prefix, gs:// or az://")
    return Path(unquote(parts.path))


@dataclass(frozen=True)
class Artifact:
    """An opened artifact: its manifest and its arrays, mapped read-only."""

    manifest: Manifest
    arrays: Mapping[str, Array]

    def __getitem__(self, name: str) -> Array:
        return self.arrays[name]

    def ids(self, which: str, start: int = 0, end: int | None = None) -> Sequence[Id]:
        """External ids of user_idx or item_idx `start` to `end`; `which` is "user_ids" or "item_ids"."""
        data = self.arrays[which]
        if f"{which}_ends" not in self.arrays:
            return [int(value) for value in data[start:end]]
        ends = self.arrays[f"{which}_ends"][start:end].tolist()
        if not ends:
            return []
        begin = int(self.arrays[f"{which}_ends"][start - 1]) if start else 0
        blob, texts, cut = data[begin : ends[-1]].tobytes(), [], 0
        for stop in ends:
            texts.append(blob[cut : stop - begin].decode())
            cut = stop - begin
        return texts


def open_artifact(url: str, generation: str) -> Artifact:
    """Map a generation's artifact. Raises ArtifactError for one that is missing, of another format, or not as its manifest says."""
    folder = mirror.pull(url, generation) if is_remote(url) else folder_of(url) / generation
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except OSError as error:
        raise ArtifactError(f"there is no artifact {folder}: {error.strerror}; do trainer and worker share LARDER_ARTIFACTS?") from error
    except ValidationError as error:
        raise ArtifactError(f"{folder / MANIFEST} is not a manifest that this version reads: {error}") from error
    if manifest.format not in READABLE_FORMATS:
        raise ArtifactError(f"{folder} has format {manifest.format}; this version reads {READABLE_FORMATS}: upgrade the workers first")
    return Artifact(manifest, {name: _map(folder / f"{name}.npy", spec) for name, spec in manifest.arrays.items()})


def damaged_arrays(url: str, artifact: Artifact, names: Collection[str] | None = None) -> list[str]:
    """Names of the arrays, all or those of `names`, whose bytes differ from their checksum: reads every file of them."""
    folder, arrays = folder_of(url) / artifact.manifest.generation, artifact.manifest.arrays
    chosen = [name for name in arrays if names is None or name in names]
    return [name for name in chosen if crc32_of(folder / f"{name}.npy") != arrays[name].crc32]


def open_whole(url: str, generation: str, names: Collection[str] | None = None) -> Artifact:
    """`open_artifact`, after every byte of its arrays, all or those of `names`, was compared with their checksum: for who makes lists of
    what may have lain on a disk for long. Rows that are being overwritten, for an erasure, have none. Raises ArtifactError."""
    while True:
        artifact = open_artifact(url, generation)
        arrays = artifact.manifest.arrays
        looked_at = [name for name, spec in arrays.items() if spec.crc32 != UNSEALED and (names is None or name in names)]
        folder = folder_of(url) / generation
        try:
            damaged = damaged_arrays(url, artifact, looked_at)
        except OSError as error:
            raise ArtifactError(f"{folder} can't be read: {error}") from error
        if not damaged:
            return artifact
        if open_artifact(url, generation).manifest == artifact.manifest:  # else an erasure has begun meanwhile
            files = ", ".join(f"{name}.npy" for name in damaged)
            raise ArtifactError(f"{folder} is damaged: the bytes of {files} differ from their checksum; publish another, or train again")


def _map(path: Path, spec: ArraySpec) -> Array:
    try:
        size = path.stat().st_size
        if size != spec.n_bytes:
            raise ArtifactError(f"{path} has {size} bytes in place of {spec.n_bytes}: it is truncated; train again")
        values: Array = np.load(path, mmap_mode="r" if 0 not in spec.shape else None)
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path} can't be read: {error}") from error
    if values.dtype.str != spec.dtype or values.shape != spec.shape:
        raise ArtifactError(f"{path} holds {values.dtype.str} {values.shape} in place of {spec.dtype} {spec.shape}; train again")
    return values


def artifacts_in(url: str) -> list[str]:
    """Generations of which there is an artifact, whole or not; those that are being written are not among them."""
    if is_remote(url):
        return [name for name in mirror.names(url) if is_generation_id(name)]
    folder = folder_of(url)
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and is_generation_id(path.name)) if folder.is_dir() else []


def has_artifact(url: str, generation: str) -> bool:
    """Whether there is one that was finished."""
    return manifest_of(url, generation) is not None


def manifest_of(url: str, generation: str) -> bytes | None:
    """The manifest of a finished artifact as it stands there, without a look at its arrays; None where there is none."""
    if is_remote(url):
        return mirror.manifest_of(url, generation)
    path = folder_of(url) / generation / MANIFEST
    return path.read_bytes() if path.is_file() else None


def remove_artifact(url: str, generation: str) -> None:
    if is_remote(url):
        mirror.remove(url, generation)
    else:
        shutil.rmtree(folder_of(url) / generation, ignore_errors=True)
