"""Files of an export as objects of a store: s3://, gs:// and az://, by the client that artifacts have.

An object is written aside, in a folder in TMPDIR, then uploaded, in parts where it is large. A store shows an object when its last part has
come: whoever reads it finds the old one or the new one, whole.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple
from urllib.parse import urlsplit

from contract.artifacts.object_store import SCHEMES, ObjectStore, is_remote
from contract.errors import ArtifactError, SettingsError, TargetError
from contract.own_folder import OwnFolder

__all__ = ["check_object", "explained_store", "is_remote", "passing_folder", "place_of", "uploading"]


class Place(NamedTuple):
    """The store of a folder, and the name of an object in it."""

    folder: str
    key: str


def place_of(url: str) -> Place:
    """Raises SettingsError for an address that names no object."""
    parts = urlsplit(url)
    folder, _, key = url.rstrip("/").rpartition("/")
    if not parts.netloc or not parts.path.strip("/") or parts.query or parts.fragment:
        schemes = "|".join(SCHEMES)
        raise SettingsError(f"--to={url}: expected {schemes}://bucket/prefix/name, and nothing after it; options come from the environment")
    return Place(folder, key)


@contextmanager
def explained_store() -> Iterator[None]:
    """An error of the store is one of the export."""
    try:
        yield
    except ArtifactError as error:
        raise TargetError(str(error)) from error


def check_object(url: str) -> None:
    """Ask for the object. Raises TargetError where the store can't be reached, or does not know who asks."""
    folder, key = place_of(url)
    with explained_store():
        ObjectStore(folder).has(key)


@contextmanager
def uploading(url: str) -> Iterator[BinaryIO]:
    """A file that becomes the object at `url` at the end of the block, and nothing after an error."""
    folder, key = place_of(url)
    with passing_folder() as made:
        with open(made / "object", "xb") as file:
            yield file
        with explained_store():
            ObjectStore(folder).upload(key, made / "object")


@contextmanager
def passing_folder() -> Iterator[Path]:
    """A folder in TMPDIR that is gone after the block. That of a killed export goes with the next one."""
    own = OwnFolder(Path(tempfile.gettempdir()))
    try:
        yield own.path
    finally:
        own.remove()
