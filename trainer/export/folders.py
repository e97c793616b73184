"""Lists as Parquet in a folder, here or in an object store, by buckets of users as Hive names them.

    TARGET/export=20260101T030405Z-1a2b3c4d/user_bucket=0/00000000.parquet ...
    TARGET/export=20260101T030405Z-1a2b3c4d/_SUCCESS
    TARGET/_latest.json

No two exports write one file, and _latest.json, which is replaced in one step at the end, says which export counts. So a reader who
follows it finds one export, whole; and has a day to read it, from when another takes its place, which _latest.json says.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from contract.artifacts.object_store import ObjectStore
from contract.errors import TargetError
from contract.machine import sync_folder
from contract.text import utc_text
from trainer.export.objects import explained_store, is_remote, passing_folder, place_of
from trainer.export.parquet import write_buckets
from trainer.export.rows import Shape
from trainer.export.target import Lists

SUCCESS, LATEST = "_SUCCESS", "_latest.json"
KEPT = timedelta(days=1)
_TIME = "%Y%m%dT%H%M%SZ"
_EXPORT = re.compile(r"export=\d{8}T\d{6}Z-[0-9a-f]{8}")


class FolderTarget:
    def __init__(self, to: str, n_buckets: int) -> None:
        """`to`: a folder, or the address of one. Raises SettingsError for an address that can't be."""
        self._to, self._n_buckets = to.rstrip("/") if is_remote(to) else str(Path(to).absolute()), n_buckets
        if is_remote(to):
            place_of(to)

    def check(self, _shape: Shape) -> None:
        if is_remote(self._to):
            with explained_store():
                ObjectStore(self._to).has(LATEST)
            return
        folder = Path(self._to)
        if not folder.parent.is_dir():
            raise TargetError(f"there is no folder {folder.parent} to make {self._to} in")
        if folder.exists() and not folder.is_dir():
            raise TargetError(f"{self._to} is not a folder: --partitions writes several files")
        if folder.is_dir() and (foreign := [path.name for path in folder.iterdir() if not _ours(path.name)]):
            raise TargetError(f"{self._to} holds something else ({sorted(foreign)[0][:64]}); name a folder that is empty, or of an export")

    def write(self, lists: Lists) -> None:
        name = f"export={datetime.now(UTC):{_TIME}}-{secrets.token_hex(4)}"
        try:
            if is_remote(self._to):
                with passing_folder() as made, explained_store():
                    write_buckets(lists, made, self._n_buckets)
                    self._upload(ObjectStore(self._to), made, name, lists)
            else:
                self._move(lists, name)
        except OSError as error:
            raise TargetError(f"{self._to} can't be written: {error.strerror or error}") from error

    def _pointer(self, lists: Lists, name: str, replaced: Mapping[str, str]) -> bytes:
        manifest, shape = lists.manifest, lists.shape
        about = {
            "export": name.removeprefix("export="),
            "folder": f"{self._to}/{name}",
            "generation": manifest.generation,
            "trained_at": manifest.trained_at,
            "data_until": manifest.data_until,
            "layout": shape.layout,
            "k": shape.k,
            "users": lists.n_users,
            "partitions": self._n_buckets,
            "changed_since": shape.since or None,
            "replaced": [{"folder": folder, "at": at} for folder, at in replaced.items()],
        }
        return json.dumps(about).encode() + b"\n"

    def _upload(self, store: ObjectStore, made: Path, name: str, lists: Lists) -> None:
        for path in _files_in(made):
            store.upload(f"{name}/{path.relative_to(made).as_posix()}", path)
        store.put(f"{name}/{SUCCESS}", b"")
        replaced = _replaced(store.folders(), name, store.get(LATEST))
        store.put(LATEST, self._pointer(lists, name, replaced))
        for old in _outlived(replaced):
            store.delete(store.keys(old))

    def _move(self, lists: Lists, name: str) -> None:
        folder = Path(self._to)
        folder.mkdir(exist_ok=True)
        with _aside(folder / f".{name}.part") as made:
            write_buckets(lists, made, self._n_buckets)
            for path in _files_in(made):
                _flush(path)
                sync_folder(path.parent)
            (made / SUCCESS).touch()
            sync_folder(made)
            made.rename(folder / name)
        latest = folder / LATEST
        replaced = _replaced((path.name for path in folder.iterdir()), name, latest.read_bytes() if latest.exists() else None)
        aside = folder / f".{name}.part"  # which is free again
        aside.write_bytes(self._pointer(lists, name, replaced))
        _flush(aside)
        aside.replace(latest)
        sync_folder(folder)
        for old in _outlived(replaced):
            _remove(folder / old)


def _ours(name: str) -> bool:
    return name == LATEST or _EXPORT.fullmatch(_bare(name)) is not None


def _bare(name: str) -> str:
    return name.removeprefix(".").removesuffix(".part")


def _replaced(names: Iterable[str], newest: str, before: bytes | None) -> dict[str, str]:
    """Exports that are not the newest, and what a killed one left: since when. `before`: the pointer so far, which says it of some."""
    now = utc_text(datetime.now(UTC))
    try:
        known = {one["folder"]: utc_text(datetime.fromisoformat(one["at"])) for one in json.loads(before or b"{}").get("replaced", ())}
    except (ValueError, KeyError, TypeError, AttributeError):  # somebody else's: as if each were replaced now
        known = {}
    return {name: known.get(name, now) for name in sorted(names) if _EXPORT.fullmatch(_bare(name)) and name != newest}


def _outlived(replaced: Mapping[str, str]) -> Iterator[str]:
    """What no reader can have begun within a day."""
    yield from (name for name, at in replaced.items() if datetime.fromisoformat(at) < datetime.now(UTC) - KEPT)


def _files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _flush(path: Path) -> None:
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def _aside(folder: Path) -> Iterator[Path]:
    """A folder that is removed after an error."""
    folder.mkdir()
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
