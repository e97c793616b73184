"""Local copies of artifacts that are in an object store: written and read like any other folder, mapped into memory, bounded.

In the store an artifact is `ID/NAME-CRC.npy` for each array, and `ID/manifest.json`. That is written last, and is the commit: no reader
ever sees half an artifact. An array's key says its checksum, so that no object but the manifest is ever overwritten: arrays from which
erased users were taken get new keys, the manifest points there, and the old objects are deleted.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from pydantic import ValidationError

from contract.artifacts.checksum import crc32_of
from contract.artifacts.copies import MANIFEST, alone, evict, read
from contract.artifacts.object_store import ObjectStore, address_of
from contract.errors import ArtifactError, TakenOverError
from contract.formats.manifest import UNSEALED, ArraySpec, Manifest


def pull(url: str, generation: str) -> Path:
    """The folder of a whole local copy that is as the store has it now. Raises ArtifactError.

    What an earlier try has fetched is not fetched again. One process of a host fetches at a time; others wait for it.
    """
    address = address_of(url)
    store = ObjectStore(address.url)
    raw = store.get(f"{generation}/{MANIFEST}")
    if raw is None:
        raise ArtifactError(f"there is no artifact {address.url}/{generation}; do trainer and worker share LARDER_ARTIFACTS?")
    folder = address.folder / generation
    with alone(address.folder, generation):
        if read(folder / MANIFEST) != raw:
            _fetch(store, folder, generation, raw)
            evict(store, address, generation)
        os.utime(folder)
    return folder


def push(url: str, generation: str, token: int) -> None:
    """Upload the local artifact that has just been written. `token`: of the right to train; a later holder's artifact stays.

    Raises TakenOverError where there is one.
    """
    address = address_of(url)
    store, folder = ObjectStore(address.url), address.folder / generation
    raw = (folder / MANIFEST).read_bytes()
    manifest = Manifest.model_validate_json(raw)
    _upload(store, folder, generation, manifest, {})
    key = f"{generation}/{MANIFEST}"
    if store.create(key, raw):
        return
    there = store.get(key)
    if there is not None and Manifest.model_validate_json(there).token > token:
        raise TakenOverError(f"another trainer has written the artifact of run {generation}")
    store.put(key, raw)
    _sweep(store, generation, manifest)


def push_changes(url: str, generation: str) -> None:
    """Upload the arrays of which the local copy differs from the store, then the manifest; what it no longer names is deleted."""
    address = address_of(url)
    store, folder = ObjectStore(address.url), address.folder / generation
    raw = (folder / MANIFEST).read_bytes()
    manifest, there = Manifest.model_validate_json(raw), store.get(f"{generation}/{MANIFEST}")
    if there == raw:
        return
    _upload(store, folder, generation, manifest, Manifest.model_validate_json(there).arrays if there else {})
    store.put(f"{generation}/{MANIFEST}", raw)
    _sweep(store, generation, manifest)


def names(url: str) -> list[str]:
    """Generations of which the store holds anything."""
    return ObjectStore(address_of(url).url).folders()


def manifest_of(url: str, generation: str) -> bytes | None:
    """As the store has it; None where it has none."""
    return ObjectStore(address_of(url).url).get(f"{generation}/{MANIFEST}")


def remove(url: str, generation: str) -> None:
    """Delete an artifact: first its manifest, so that nobody begins to read it."""
    address = address_of(url)
    store = ObjectStore(address.url)
    keys, manifest = store.keys(generation), f"{generation}/{MANIFEST}"
    store.delete([key for key in keys if key == manifest])
    store.delete([key for key in keys if key != manifest])
    shutil.rmtree(address.folder / generation, ignore_errors=True)


def _key(generation: str, name: str, spec: ArraySpec) -> str:
    return f"{generation}/{name}-{spec.crc32:08x}.npy"


def _upload(store: ObjectStore, folder: Path, generation: str, manifest: Manifest, there: dict[str, ArraySpec]) -> None:
    for name, spec in manifest.arrays.items():
        if there.get(name) != spec:
            store.upload(_key(generation, name, spec), folder / f"{name}.npy")


def _sweep(store: ObjectStore, generation: str, manifest: Manifest) -> None:
    kept = {f"{generation}/{MANIFEST}", *(_key(generation, name, spec) for name, spec in manifest.arrays.items())}
    store.delete([key for key in store.keys(generation) if key not in kept])


def _fetch(store: ObjectStore, folder: Path, generation: str, raw: bytes) -> None:
    """Make `folder` what the manifest `raw` says, with files of the copy before it where they are the same."""
    try:
        manifest = Manifest.model_validate_json(raw)
    except ValidationError as error:
        raise ArtifactError(f"{store.url}/{generation}/{MANIFEST} is not a manifest that this version reads: {error}") from error
    aside = folder.with_name(f".{generation}.fetched")
    aside.mkdir(exist_ok=True)
    before = _specs(folder)
    for name, spec in manifest.arrays.items():
        path = aside / f"{name}.npy"
        if path.is_file() and _is_whole(path, spec):  # of a try that was cut short
            continue
        path.unlink(missing_ok=True)
        if before.get(name) == spec and spec.crc32 != UNSEALED:
            os.link(folder / f"{name}.npy", path)
            continue
        part = aside / f".{name}.part"
        checksum = store.download(_key(generation, name, spec), part)
        if (part.stat().st_size, checksum) != (spec.n_bytes, spec.crc32):
            part.unlink()
            raise ArtifactError(f"{store.url}/{_key(generation, name, spec)} is not what the manifest says; train again")
        part.rename(path)
    (aside / MANIFEST).write_bytes(raw)
    for path in aside.iterdir():
        if path.suffix != ".json" and path.stem not in manifest.arrays:
            path.unlink()
    gone = folder.with_name(f".{generation}.gone")
    shutil.rmtree(gone, ignore_errors=True)
    if folder.exists():
        folder.rename(gone)
    aside.rename(folder)
    shutil.rmtree(gone, ignore_errors=True)


def _is_whole(path: Path, spec: ArraySpec) -> bool:
    return path.stat().st_size == spec.n_bytes and crc32_of(path) == spec.crc32


def _specs(folder: Path) -> dict[str, ArraySpec]:
    raw = read(folder / MANIFEST)
    return Manifest.model_validate_json(raw).arrays if raw else {}
