"""What a range of buckets holds: the figures that a shard records of itself, taken from Redis, and what is not as it should be."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from contract.errors import PayloadError
from contract.formats import payload
from contract.formats.keys import bucket_of
from contract.formats.manifest import Manifest
from contract.formats.shard_record import checksum_of
from contract.store.generations import Generations
from contract.store.lists import read_buckets

NAMED = 3  # of the ids that something is wrong with

Step = Callable[[], None]
"""Called after each bucket."""


@dataclass(slots=True)
class ReadBack:
    """`ids`: the text of each id that has a list, and its bucket. The rest: contract/formats/shard_record.py."""

    users: int = 0
    lists: int = 0
    listed: int = 0
    checksum: int = 0
    ids: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def read_back_users(generations: Generations, manifest: Manifest, buckets: Iterable[int], step: Step) -> ReadBack:
    """Lists of users in some buckets, and the explanations beside them, where the generation has some."""
    keys, name = generations.keys, manifest.generation
    kinds = [partial(keys.recs, name)] + ([partial(keys.why, name)] if manifest.settings.explain_depth else [])
    found = ReadBack()
    for bucket, (lists, *rest) in read_buckets(generations.redis, buckets, *kinds):
        whys = rest[0] if rest else {}
        for raw_user, raw in lists.items():
            _add(found, "user", raw_user.decode(), bucket, manifest.n_user_buckets, raw, whys.get(raw_user, b""))
        if rest and lists.keys() != whys.keys():
            odd = named(user.decode() for user in lists.keys() ^ whys.keys())
            found.problems.append(f"bucket {bucket} has lists without an explanation, or explanations without a list: of {odd}")
        step()
    return found


def read_back_similar(generations: Generations, manifest: Manifest, buckets: Iterable[int], step: Step) -> ReadBack:
    """Lists of similar items in some item buckets."""
    found = ReadBack()
    for bucket, (lists,) in read_buckets(generations.redis, buckets, partial(generations.keys.similar, manifest.generation)):
        for raw_item, raw in lists.items():
            _add(found, "item", raw_item.decode(), bucket, manifest.n_item_buckets, raw, b"")
        step()
    return found


def named(ids: Iterable[str]) -> str:
    """The first few ids, in order, and how many more there are."""
    known = sorted(ids, key=lambda text: (len(text), text))
    more = f" and {len(known) - NAMED:,} more" if len(known) > NAMED else ""
    return ", ".join(known[:NAMED]) + more


def _add(found: ReadBack, kind: str, text: str, bucket: int, n_buckets: int, raw: bytes, why: bytes) -> None:
    found.users += 1
    found.checksum += checksum_of(text, raw, why)
    found.ids[text] = bucket
    if bucket_of(text, n_buckets) != bucket:
        belongs = bucket_of(text, n_buckets)
        found.problems.append(f"{kind} {text} has a list in bucket {bucket}, where no reader looks: it belongs in {belongs}")
    try:
        n_items = len(payload.decode(raw)[0])
    except PayloadError as error:
        found.problems.append(f"{kind} {text} in bucket {bucket}: {error}")
        return
    found.lists += n_items > 0
    found.listed += n_items
