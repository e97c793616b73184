"""Reads of one namespace: lists, explanations and item metadata. Nothing here writes.

Every method but `named` is one round trip, and all read what the view says that they are given. No list that they give has
an item that is unavailable: so no answer has.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self, cast

from redis import Redis

from api.lists.breaker import Breaker
from api.lists.clients import Clients, Command, read_all
from api.lists.cluster.clients import clients_of
from api.lists.fresh import Fresh, fresh_of
from api.lists.interleaved import command_of_other, drawn
from api.lists.named import NamedLists
from api.lists.pointers import Pointers
from api.lists.stored_list import StoredList as StoredList
from api.lists.stored_list import UserLists as UserLists
from api.lists.stored_list import decoded, on_offer
from api.lists.titles import HeldTitles
from api.lists.view import View
from contract.experiments.arms import InterleavedPointer
from contract.formats.ids import stored_id
from contract.formats.keys import Id, Keys, bucket_of
from contract.settings.settings import Settings
from contract.store.lists import Listed
from contract.text import words

NO_METADATA = b"{}"
POPULAR = "popular"


class Store:
    """Thread-safe. `clients` decode no responses, and connect at their first command, so after gunicorn's fork."""

    def __init__(
        self,
        clients: Clients,
        keys: Keys,
        pointer_ttl_s: float,
        url: str = "",
        clock: Callable[[], float] = time.monotonic,
        *,
        fresh: bool = False,
    ) -> None:
        """`fresh`: whether what users did since the generation was made is read beside their lists."""
        self.fresh = fresh
        self.keys = keys
        self.breaker = Breaker(clients, url, clock)
        self.pointers = Pointers(self.breaker, keys, pointer_ttl_s, clock)
        self.lists = NamedLists(self.breaker, keys)
        self.titles = HeldTitles(self.breaker, keys)
        self.fallback: tuple[str, ...] = ()
        """Named lists that fill up a short one where the request does not say which."""

    @classmethod
    def of(cls, settings: Settings, clients: Clients | None = None) -> Self:
        """A store that has not connected yet; raises SettingsError for an address that can't be one. `clients`: others share them."""
        clients, keys, ttl_s = clients or clients_of(settings.redis_url), Keys(settings.namespace), settings.pointer_ttl_ms / 1000
        return cls(clients, keys, ttl_s, settings.redis_url, fresh=settings.counts_at_once)

    def user_list(self, view: View, given: Id) -> tuple[Id, StoredList] | None:
        """A user's list, with the user's id as the interactions spelled it; None for who has none."""
        user_id = stored_id(given, view.pointer.user_id_type)
        if user_id is None:
            return None
        found = self.found(view, self.ask(self.commands_of(view, user_id)), user_id)
        return None if found is None else (user_id, found)

    def commands_of(self, view: View, user_id: Id) -> list[Command]:
        """What reads a user's list; the answers are for `found`."""
        pointer = view.pointer
        key = self.keys.recs(pointer.generation, bucket_of(user_id, pointer.n_user_buckets))
        commands: list[Command] = [("HGET", key, str(user_id))]
        if self.fresh:
            commands.append(("HGETALL", self.keys.fresh(user_id)))
        if isinstance(pointer, InterleavedPointer):
            commands.append(command_of_other(self.keys, pointer, user_id))
        return commands

    def ask(self, commands: Sequence[Command]) -> Sequence[bytes | None]:
        """In one round trip. Raises StoreError."""
        if len(commands) == 1 and len(commands[0]) == 3:
            _, key, field = commands[0]
            return [self.breaker.ask(lambda redis: cast("bytes | None", redis.hget(key, field)))]
        return self.breaker.ask(lambda redis: read_all(redis, commands))

    def found(self, view: View, raw: Sequence[Any], user_id: Id, most: int | None = None) -> StoredList | None:
        """`most` as in `decoded`. Raises PayloadError."""
        pointer, unavailable = view.pointer, view.unavailable
        fresh = fresh_of(raw[1], pointer) if self.fresh else None
        if isinstance(pointer, InterleavedPointer):
            return drawn(pointer, user_id, (raw[0], raw[-1]), unavailable, fresh, raw[1], most)
        return decoded(raw[0], unavailable, fresh=fresh, most=most)

    def user_lists(self, view: View, given: Sequence[Id], *, explain: bool = False, most: int | None = None) -> UserLists:
        """Lists of users; `most` as in `decoded`."""
        pointer = view.pointer
        user_ids = [stored_id(user_id, pointer.user_id_type) for user_id in given]
        known = [user_id for user_id in user_ids if user_id is not None]

        def read(redis: Redis) -> list[bytes | None]:
            keys, generation, n_buckets = self.keys, pointer.generation, pointer.n_user_buckets
            commands: list[Command] = self.pointers.commands
            for user_id in known:
                bucket = bucket_of(user_id, n_buckets)
                commands.append(("HGET", keys.recs(generation, bucket), str(user_id)))
                if explain:
                    commands.append(("HGET", keys.why(generation, bucket), str(user_id)))
                if self.fresh:
                    commands.append(("HGETALL", keys.fresh(user_id)))
                if isinstance(pointer, InterleavedPointer):
                    commands.append(command_of_other(self.keys, pointer, user_id))
            return read_all(redis, commands)

        now, raw = self.pointers.now(), iter(self.breaker.ask(read))
        newest = self.pointers.update_both(next(raw), next(raw), now)
        view = view._replace(items=newest.items)  # which were read with the lists
        unavailable = view.unavailable
        lists: list[StoredList | None] = []
        did: list[Fresh | None] = []
        for user_id in user_ids:
            listed, why = (None, None) if user_id is None else (next(raw), next(raw) if explain else None)
            told = next(raw) if self.fresh and user_id is not None else None
            did.append(fresh_of(told, pointer) if self.fresh else None)
            if isinstance(pointer, InterleavedPointer):
                lists.append(None if user_id is None else drawn(pointer, user_id, (listed, next(raw)), unavailable, did[-1], told, most))
            else:
                lists.append(decoded(listed, unavailable, why, did[-1], most))
        return UserLists(user_ids, lists, view, newest, did)

    def popular(self, view: View) -> StoredList | None:
        raw = self.breaker.ask(lambda redis: cast("bytes | None", redis.get(self.keys.popular(view.pointer.generation))))
        return decoded(raw, view.unavailable)

    def did(self, view: View, user_id: Id) -> Fresh | None:
        """What a user did since, for one who has no list; None where events don't count at once."""
        if not self.fresh:
            return None
        key = self.keys.fresh(user_id)
        return fresh_of(self.ask([("HGETALL", key)])[0], view.pointer)

    def named(self, view: View, listed: Listed) -> Iterator[StoredList]:
        """A named list, some of it at a time. Of a generation that has none, the popular list is what there always was."""
        if listed.name in words(view.pointer.lists):
            for ids, scores in self.lists.chunks(view.pointer, listed):
                yield on_offer(StoredList(ids, scores), view.unavailable)
        elif listed == Listed(POPULAR) and (found := self.popular(view)) is not None:
            yield found

    def similar(self, view: View, item_ids: Sequence[Id]) -> list[StoredList | None]:
        """The similar items of each item; None for one that the generation has none of."""
        unavailable = view.unavailable
        return [decoded(raw, unavailable) for raw in self._of_items(item_ids, (self._similar_key(view),))]

    def item(self, view: View, given: Id) -> tuple[Id, bytes] | None:
        """An item's id and metadata, `{}` where it has none; None for one that has neither metadata nor similar items."""
        item_id = stored_id(given, view.pointer.item_id_type)
        if item_id is None:
            return None
        metadata, similar = self._of_items([item_id], (self._items_key(view), self._similar_key(view)))
        return None if metadata is None and similar is None else (item_id, metadata or NO_METADATA)

    def metadata(self, view: View, item_ids: Sequence[Id]) -> list[bytes]:
        """A JSON object for each item; an item without metadata has an empty one."""
        return [raw or NO_METADATA for raw in self._of_items(item_ids, (self._items_key(view),))]

    def _of_items(self, item_ids: Sequence[Id], keys_of: Sequence[Callable[[Id], str]]) -> list[bytes | None]:
        if not item_ids:
            return []
        commands = [("HGET", key_of(item_id), str(item_id)) for item_id in item_ids for key_of in keys_of]
        return self.breaker.ask(lambda redis: read_all(redis, commands))

    def _items_key(self, view: View) -> Callable[[Id], str]:
        revision, n_buckets = view.items.metadata_of(view.pointer)
        return lambda item_id: self.keys.items(revision, bucket_of(item_id, n_buckets))

    def _similar_key(self, view: View) -> Callable[[Id], str]:
        generation, n_buckets = view.pointer.generation, view.pointer.n_item_buckets
        return lambda item_id: self.keys.similar(generation, bucket_of(item_id, n_buckets))
