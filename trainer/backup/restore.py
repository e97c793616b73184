"""Reads a backup back into an empty namespace. Control keys come last, in one transaction: until then nothing of it is served."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from redis import Redis
from redis.exceptions import ResponseError

from contract.errors import DataError, GenerationError
from contract.larder import Larder
from trainer.backup.file import BackupReader, Header, Record

STEP = 200  # records in one round trip
CONTROL = b":{ctl}:"


def restore(larder: Larder, path: Path, progress: Callable[[int], None] = lambda _: None) -> Header:
    """Write what `path` holds into the namespace of `larder`, which may be another one than it was. `progress` as in `backup`.

    Raises GenerationError where the namespace has generations, DataError for a file that is damaged or of a newer Redis; then nothing
    of it is left.
    """
    if names := larder.generations.ids():
        raise GenerationError(
            f"the namespace {larder.keys.namespace!r} has {len(names)} generation(s), so nothing is restored into it: "
            "restore into an empty Redis, or set LARDER_NAMESPACE"
        )
    namespace, written = larder.keys.namespace.encode(), list[bytes]()
    with BackupReader(path) as reader:
        try:
            control, some = list[Record](), list[Record]()
            for record in reader.records():
                named = record._replace(key=namespace + record.key)
                if record.key.startswith(CONTROL):
                    control.append(named)
                    continue
                some.append(named)
                written.append(named.key)
                if len(some) == STEP:
                    _write(larder.store, some, path, at_once=False)
                    progress(len(written))
                    some.clear()
            _write(larder.store, some, path, at_once=False)
            written.extend(record.key for record in control)
            _write(larder.store, control, path, at_once=True)
            progress(len(written))
        except BaseException:
            for start in range(0, len(written), STEP):
                larder.store.unlink(*written[start : start + STEP])
            raise
        return reader.header


def _write(redis: Redis, records: Sequence[Record], path: Path, *, at_once: bool) -> None:
    """`at_once`: at one moment. Where the server refuses one of them, others may be there."""
    with redis.pipeline(transaction=at_once) as pipe:
        for key, ttl_ms, value in records:
            pipe.restore(key.decode(), max(0, ttl_ms), value, replace=True)
        try:
            pipe.execute()
        except ResponseError as error:
            if any(word in str(error).lower() for word in ("payload version", "checksum", "bad data format")):
                raise DataError(f"{path} is damaged, or was written by a Redis that is newer than this one: {error}") from None
            raise
