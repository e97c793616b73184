"""For whom an item is: what the trainer has written of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from redis import Redis

from api.answers.json_text import id_json
from api.http.problems import RequestError
from api.lists.store import Store
from contract.formats import payload
from contract.formats.ids import stored_id
from contract.formats.keys import Id, bucket_of
from contract.formats.manifest import Pointer

Audience = tuple[Id, Sequence[Id], Sequence[float]]


def audience_of(store: Store, pointer: Pointer, given: Id, most: int) -> Audience | None:
    """The item as the generation spells it, its users, the highest scores first, and those; None for an item that it does not have.

    Raises RequestError where the generation has no audiences, or none yet; PayloadError.
    """
    if not pointer.audience_depth:
        raise RequestError("The current generation has no users of items: train with LARDER_AUDIENCE_DEPTH.", 409, "No audience")
    item_id = stored_id(given, pointer.item_id_type)
    if item_id is None:
        return None
    key = store.keys.audience(pointer.generation, bucket_of(item_id, pointer.n_item_buckets))

    def read(redis: Redis) -> tuple[bytes | None, bool]:
        raw = cast("bytes | None", redis.hget(key, str(item_id)))
        return raw, raw is not None or bool(redis.exists(key))

    raw, are_written = store.breaker.ask(read)
    if not are_written:
        detail = (
            "The users of items are not written yet: the trainer does it once all lists of a generation are there. Ask again in a moment."
        )
        raise RequestError(detail, 409, "No audience")
    return None if raw is None else (item_id, *payload.decode(raw, most))


def users_json(users: Sequence[Id], scores: Sequence[float]) -> str:
    """A JSON array, the highest score first."""
    ranked = enumerate(zip(users, scores, strict=True), 1)
    return "[" + ",".join(f'{{"user_id":{id_json(user)},"score":{score:.9g},"rank":{rank}}}' for rank, (user, score) in ranked) + "]"
