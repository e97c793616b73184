"""Writes a backup: lists first, then the control keys in one transaction, then what these name and is not there yet.

Lists of a generation never change, but for an erasure; so the backup is as of the moment in which the control keys were read. Where a user
is erased meanwhile, or a generation that they name is pruned, it is begun again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple, cast

from redis import Redis

from contract.errors import StoreError
from contract.formats.keys import Keys
from contract.formats.states import HAS_LISTS
from contract.larder import Larder
from contract.store.removal import keys_of_lists
from contract.text import utc_text
from trainer.backup.file import BackupWriter, Header, Record

STEP = 200  # keys of lists in one round trip
TRIES = 5


class Written(NamedTuple):
    """`n_bytes`: of the file."""

    header: Header
    n_records: int
    n_bytes: int


def backup(larder: Larder, path: Path, progress: Callable[[int], None] = lambda _: None) -> Written:
    """Write all that Redis holds of the namespace, but for queues and leases. `progress` is called with the records so far.

    Raises StoreError when the namespace does not stand still for long enough.
    """
    for _ in range(TRIES):
        if written := _try(larder, path, progress):
            return written
    raise StoreError("generations were pruned or users erased again and again while the backup was written: try again later")


def _try(larder: Larder, path: Path, progress: Callable[[int], None]) -> Written | None:
    redis, keys = larder.store, larder.keys
    pointer = larder.generations.current()
    header = Header(
        namespace=keys.namespace,
        generation=pointer.generation if pointer else "",
        made_at=utc_text(datetime.now(UTC)),
        redis=str(redis.info("server")["redis_version"]),
    )
    erased, done = _erased(larder), set[bytes]()
    with BackupWriter(path, header) as writer:

        def write(names: Iterable[bytes]) -> None:
            for record in dump(redis, (name for name in names if name not in done)):
                writer.add(record._replace(key=without_namespace(keys, record.key)))
                done.add(record.key)
                progress(writer.n_records)

        write(_lists(larder))
        control = read_at_once(redis, keys)
        named = _with_lists(larder)
        write(_lists(larder))  # of a generation that came meanwhile
        if _erased(larder) != erased or _with_lists(larder) != named:
            return None
        for record in control:
            writer.add(record._replace(key=without_namespace(keys, record.key)))
        return Written(header, writer.n_records, writer.finish())


def _with_lists(larder: Larder) -> list[str]:
    return [name for name in larder.generations.ids() if larder.generations.state(name) in HAS_LISTS]


def _lists(larder: Larder) -> Iterator[bytes]:
    """Keys of the lists of every generation that has them, and of every revision of the items."""
    for name in _with_lists(larder):
        yield from (key.encode() for key in keys_of_lists(larder.keys, larder.generations.manifest(name)))
    for revision, n_buckets in larder.catalogue.revisions():
        yield from (key.encode() for key in larder.catalogue.keys_of(revision, n_buckets))


def _erased(larder: Larder) -> object:
    """The revision of the list of erased users, which no secret is needed for."""
    return larder.store.hget(larder.keys.erasure, "revision")


def read_at_once(redis: Redis, keys: Keys) -> list[Record]:
    """The control keys as they are at one moment, without what only lives for moments: leases, the right to train."""
    passing = tuple(f"{keys.namespace}:{{ctl}}:{name}".encode() for name in ("lease:", "takeover:", "training", "scheduled:"))
    pattern = f"{_escaped(keys.namespace)}:{{ctl}}:*"
    names = sorted(name for name in redis.scan_iter(pattern, count=1000) if not name.startswith(passing))
    with redis.pipeline(transaction=True) as pipe:
        for name in names:
            pipe.pttl(name)
            pipe.dump(name)
        found = pipe.execute()
    return [Record(name, ttl, value) for name, ttl, value in zip(names, found[::2], found[1::2], strict=True) if value is not None]


def dump(redis: Redis, names: Iterable[bytes]) -> Iterator[Record]:
    """The keys of `names` that exist. Lists have no time to live."""
    left = iter(names)
    while some := list(islice(left, STEP)):
        with redis.pipeline(transaction=False) as pipe:
            for name in some:
                pipe.dump(name)
            values = cast("list[bytes | None]", pipe.execute())
        yield from (Record(name, -1, value) for name, value in zip(some, values, strict=True) if value is not None)


def without_namespace(keys: Keys, name: bytes) -> bytes:
    return name.removeprefix(keys.namespace.encode())


def _escaped(text: str) -> str:
    """For a pattern of SCAN."""
    return "".join(f"\\{one}" if one in "*?[]\\" else one for one in text)
