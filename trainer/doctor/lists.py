"""What the store holds: whether lists lie packed, whether erased users stay away, who works."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from redis import Redis

from contract.errors import SettingsError
from contract.formats.keys import Keys
from contract.queue.names import SCORE_QUEUE
from contract.queue.state import read_queues
from contract.settings.settings import Settings
from contract.store.erasure import Erasure
from contract.store.generations import Generations
from contract.store.lists import read_buckets, spread
from trainer.doctor.finding import Finding, fail, ok, warn
from trainer.doctor.server import setting_of

HEADER_BYTES, ENTRY_BYTES = 4, 8  # contract/formats/payload.py, with ids of four bytes
USERS_PER_BUCKET = 128
BUCKETS_LOOKED_AT = 16


def look_at_lists(redis: Redis, settings: Settings) -> Iterator[Finding]:
    yield _packing(redis, settings)
    yield _erasure(redis, settings)


def look_at_workers(queue_redis: Redis, settings: Settings) -> Finding:
    """The RQ workers that score, wherever they run."""
    queues = read_queues(queue_redis, settings.namespace, datetime.now(UTC))
    places = [worker.place.partition(",")[0] for queue in queues if queue.name == SCORE_QUEUE for worker in queue.workers]
    if not places:
        return warn("workers", "none listens: runs will wait for their lists", "Start one: `python -m worker`, with the same settings")
    hosts = sorted(set(places))
    where = ", ".join(hosts)
    also = f"; all of them must see {settings.artifacts}" if len(hosts) > 1 else ""
    return ok("workers", f"{len(places)} listen, on {where}{also}")


def _packing(redis: Redis, settings: Settings) -> Finding:
    """Whether a bucket stays one compact block: Redis unpacks it once one list, or the number of lists, is above a limit."""
    subject = "Redis: how lists lie"
    found = [setting_of(redis, f"hash-max-listpack-{what}", f"hash-max-ziplist-{what}") for what in ("value", "entries")]
    n_bytes, n_lists = _largest(redis, settings)
    if found[0] is None or found[1] is None:
        advice = f"Make sure of hash-max-listpack-value {n_bytes} and hash-max-listpack-entries {n_lists} at the least"
        return warn(subject, "the server does not tell its limits of packed hashes", advice)
    value, entries = int(found[0]), int(found[1])
    if n_bytes <= value and n_lists <= entries:
        return ok(subject, f"packed: lists of up to {n_bytes:,} bytes, {n_lists} in a bucket (limits {value:,} and {entries})")
    return warn(
        subject,
        f"unpacked, in about three times the memory: a list has up to {n_bytes:,} bytes and a bucket {n_lists} lists, the limits are "
        f"{value:,} and {entries}",
        f"Set hash-max-listpack-value {max(n_bytes, value)} and hash-max-listpack-entries {max(n_lists, entries)}; the next run then packs",
    )


def _largest(redis: Redis, settings: Settings) -> tuple[int, int]:
    """Bytes of a list and lists of a bucket, the most: as the settings make them, and as some of what is served has them."""
    model, keys = settings.model_settings, Keys(settings.namespace)
    n_bytes, n_lists = HEADER_BYTES + ENTRY_BYTES * max(model.stored_depth, model.similar_depth), USERS_PER_BUCKET
    if pointer := Generations(redis, keys).current():
        name, buckets = pointer.generation, spread(pointer.n_user_buckets, BUCKETS_LOOKED_AT)
        for _, hashes in read_buckets(redis, buckets, lambda bucket: keys.recs(name, bucket), lambda bucket: keys.why(name, bucket)):
            n_bytes = max([n_bytes, *(len(value) for fields in hashes for value in fields.values())])
            n_lists = max([n_lists, *map(len, hashes)])
    return n_bytes, n_lists


def _erasure(redis: Redis, settings: Settings) -> Finding:
    secret = settings.erasure_secret.get_secret_value()
    try:
        n_erased = Erasure(redis, Keys(settings.namespace), secret).revision()
    except SettingsError as error:
        return fail("erased users", str(error), "Give trainer and workers the secret of that time; no run can begin without")
    if n_erased:
        return ok("erased users", f"{n_erased} so far; LARDER_ERASURE_SECRET is the one by which they are remembered")
    if not secret:
        return warn("erased users", "LARDER_ERASURE_SECRET is not set: nobody can be erased", "Set it for trainer and workers, and keep it")
    return ok("erased users", "none so far; LARDER_ERASURE_SECRET is set")
