"""Writing an artifact (its format: contract/artifacts/artifact.py): aside, flushed, then renamed."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from contract.artifacts import mirror
from contract.artifacts.artifact import Array, folder_of
from contract.artifacts.checksum import crc32_of
from contract.artifacts.copies import MANIFEST, alone
from contract.artifacts.object_store import is_remote
from contract.errors import ArtifactError
from contract.formats.keys import Id
from contract.formats.manifest import ArraySpec, Manifest
from contract.machine import sync_folder


def id_arrays(which: str, ids: Sequence[Id]) -> dict[str, Array]:
    """The arrays that hold external ids: integers as int64, strings as UTF-8 bytes and their ends."""
    if not any(isinstance(value, str) for value in ids[:1]):
        return {which: np.asarray(ids, dtype=np.int64)}
    texts = [str(value).encode() for value in ids]
    ends = np.cumsum([len(text) for text in texts], dtype=np.int64)
    return {which: np.frombuffer(b"".join(texts), dtype=np.uint8), f"{which}_ends": ends}


def reserve(file: IO[bytes]) -> None:
    """Give a whole file its place on the disk, or raise OSError: a full disk ends a process that writes to a map of it, with SIGBUS."""
    if not hasattr(os, "posix_fallocate"):  # macOS has none
        return
    try:
        os.posix_fallocate(file.fileno(), 0, os.fstat(file.fileno()).st_size)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):  # a file system that can't
            raise


_WRITTEN = np.empty(0)  # in place of an array whose memory is let go


class ArtifactWriter:
    """Writes one artifact aside; `finish` gives it its name. An array may be filled in place, so that it is never in memory twice."""

    def __init__(self, url: str, generation: str, token: int = 0) -> None:
        """`token`: of the right to train, so that a process that was taken over never writes into its successor's folder."""
        self._url, self._token = url, token
        self.final = folder_of(url) / generation
        self._aside = self.final.with_name(f".{generation}.{token}.partial")
        try:
            shutil.rmtree(self._aside, ignore_errors=True)
            self._aside.mkdir(parents=True)
        except OSError as error:
            raise ArtifactError(f"can't write artifacts to {self.final.parent}: {error.strerror}; set LARDER_ARTIFACTS") from error
        self._created: dict[str, Array] = {}

    def create(self, name: str, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> Array:
        """An empty, writable, memory-mapped array that becomes part of the artifact."""
        path = self._aside / f"{name}.npy"
        if 0 in shape:  # nothing to map
            array: Array = np.empty(shape, dtype=dtype)
            np.save(path, array)
        else:
            try:
                array = np.lib.format.open_memmap(path, mode="w+", dtype=np.dtype(dtype), shape=shape)
                with open(path, "r+b") as file:
                    reserve(file)
            except OSError as error:
                raise self._no_room(error) from error
        self._created[name] = array
        return array

    def put(self, arrays: Mapping[str, Array]) -> None:
        """Those that `create` has made are there already."""
        for name, values in arrays.items():
            if self._created.get(name) is not values:
                self.create(name, values.dtype, values.shape)[...] = values
                self._created[name] = _WRITTEN

    def finish(self, manifest: Manifest) -> Manifest:
        """Checksum and flush every file, write the manifest, rename the folder. The manifest with its arrays."""
        try:
            specs = {name: self._seal(name) for name in self._created}
            manifest = manifest.with_arrays(specs)
            if is_remote(self._url):
                manifest = manifest.model_copy(update={"token": self._token})
                with alone(self.final.parent, self.final.name):
                    self._name(manifest)
                    mirror.push(self._url, self.final.name, self._token)
            else:
                self._name(manifest)
        except OSError as error:
            raise self._no_room(error) from error
        return manifest

    def _no_room(self, error: OSError) -> ArtifactError:
        return ArtifactError(f"can't write the artifact {self.final}: {error.strerror}; make room or move LARDER_ARTIFACTS")

    def _name(self, manifest: Manifest) -> None:
        write_manifest(self._aside, manifest)
        if self.final.exists():
            shutil.rmtree(self.final)
        self._aside.rename(self.final)
        sync_folder(self.final.parent)

    def discard(self) -> None:
        shutil.rmtree(self._aside, ignore_errors=True)

    def _seal(self, name: str) -> ArraySpec:
        return sealed(self._aside / f"{name}.npy")


def sealed(path: Path) -> ArraySpec:
    """Flush an array's file to the disk; what the manifest says of it."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())
    values = np.load(path, mmap_mode="r")
    return ArraySpec(dtype=values.dtype.str, shape=values.shape, n_bytes=path.stat().st_size, crc32=crc32_of(path))


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write, or replace, the manifest of an artifact: a reader finds the old one or the new one, whole."""
    aside = folder / f".{MANIFEST}"
    with open(aside, "w", encoding="utf-8") as file:
        file.write(manifest.model_dump_json(indent=2))
        file.flush()
        os.fsync(file.fileno())
    aside.rename(folder / MANIFEST)
    sync_folder(folder)
