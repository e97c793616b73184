"""Artifacts in an object store: s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX, by obstore.

Credentials and endpoint come from the variables that each cloud's own tools read (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, ...).
The address may say where local copies are kept: `?cache=/folder&cache_gb=50`.

obstore starts threads at its first use, and a process that is forked afterwards waits for them without end. So only work-horses and
commands use it, never a process that forks: it is imported here when it is first needed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, quote, urlsplit
from zlib import crc32

from contract.errors import ArtifactError
from contract.settings.drivers import how_to_install

SCHEMES = ("s3", "gs", "az")
CACHE = "/var/lib/larder/artifacts"
CACHE_GB = 50.0
_STEP, _AHEAD = 4 << 20, 2  # bytes of a chunk, and how many of them wait to be written
_TRIES = {"max_retries": 6, "retry_timeout": timedelta(seconds=60)}
_PATIENCE = {"timeout": "300s", "connect_timeout": "5s", "allow_http": True}


class Address(NamedTuple):
    """`folder`: where local copies are kept, up to `limit_bytes` of them."""

    url: str
    folder: Path
    limit_bytes: float


def is_remote(url: str) -> bool:
    return url.partition("://")[0] in SCHEMES


def address_of(url: str) -> Address:
    """Raises ArtifactError for an address that can't be."""
    parts = urlsplit(url)
    try:
        options = {name: values[-1] for name, values in parse_qs(parts.query, strict_parsing=bool(parts.query)).items()}
        limit_bytes = float(options.pop("cache_gb", CACHE_GB)) * 2**30
        cache = Path(options.pop("cache", CACHE))
        good = not options and limit_bytes > 0 and cache.is_absolute() and bool(parts.netloc) and not parts.fragment
    except ValueError:
        good = False
    if not good:
        raise ArtifactError(f"{url}: expected {'|'.join(SCHEMES)}://bucket/prefix, if need be with ?cache=/folder&cache_gb=50")
    place = f"{parts.scheme}://{parts.netloc}/{parts.path.strip('/')}".rstrip("/")
    return Address(place, cache / quote(place, safe=""), limit_bytes)


class ObjectStore:
    """The objects under one address. Every error of the store becomes an ArtifactError that names it."""

    def __init__(self, url: str) -> None:
        """Raises ArtifactError where obstore is not installed."""
        self.url = url
        try:
            import obstore
            from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError
            from obstore.store import from_url
        except ImportError:
            raise ArtifactError(f"{url} can't be used: {how_to_install('objects')}") from None
        self._obstore: Any = obstore
        self._error, self._exists = BaseError, AlreadyExistsError
        self._missing = (NotFoundError, FileNotFoundError)
        with self._explained():
            self._store: Any = from_url(url, client_options=_PATIENCE, retry_config=_TRIES)  # type: ignore[call-overload]

    def get(self, key: str) -> bytes | None:
        """An object, whole; None where there is none."""
        with self._explained():
            try:
                return bytes(self._obstore.get(self._store, key).bytes())
            except self._missing:
                return None

    def has(self, key: str) -> bool:
        """Whether there is an object."""
        with self._explained():
            try:
                self._obstore.head(self._store, key)
            except self._missing:
                return False
        return True

    def download(self, key: str, path: Path) -> int:
        """Write an object into a file, while more of it comes; the crc32 of it. Raises ArtifactError where there is none."""
        checksum = 0
        with self._explained(), open(path, "wb") as file, ThreadPoolExecutor(1) as beside:
            try:
                stream = self._obstore.get(self._store, key).stream(min_chunk_size=_STEP)
            except self._missing:
                raise ArtifactError(f"{self.url}/{key} is gone; train again") from None

            def take(chunk: Any) -> None:
                nonlocal checksum
                checksum = crc32(chunk, checksum)
                file.write(chunk)

            taken: deque[Future[None]] = deque()
            for chunk in stream:
                taken.append(beside.submit(take, chunk))
                if len(taken) > _AHEAD:
                    taken.popleft().result()
            for one in taken:
                one.result()
        return checksum

    def upload(self, key: str, path: Path) -> None:
        with self._explained():
            self._obstore.put(self._store, key, path)

    def put(self, key: str, data: bytes) -> None:
        with self._explained():
            self._obstore.put(self._store, key, data)

    def create(self, key: str, data: bytes) -> bool:
        """Put an object where none is; False where one is."""
        with self._explained():
            try:
                self._obstore.put(self._store, key, data, mode="create")
            except self._exists:
                return False
        return True

    def folders(self) -> list[str]:
        """The first parts of all keys that have more than one. A store that is made of folders may keep empty ones: they don't count."""
        with self._explained():
            found = self._obstore.list_with_delimiter(self._store)["common_prefixes"]
            names = sorted(str(prefix).rstrip("/").rpartition("/")[2] for prefix in found)
            return [name for name in names if next(iter(self._obstore.list(self._store, f"{name}/", chunk_size=1)), None)]

    def keys(self, folder: str) -> list[str]:
        """Keys of the objects in a folder, relative to the address."""
        with self._explained():
            return [str(entry["path"]) for batch in self._obstore.list(self._store, f"{folder}/") for entry in batch]

    def delete(self, keys: list[str]) -> None:
        if keys:
            with self._explained():
                self._obstore.delete(self._store, keys)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (self._error, OSError) as error:
            reason = " ".join(str(error).split())[:300]
            raise ArtifactError(f"{self.url} can't be used: {type(error).__name__}: {reason}") from error
