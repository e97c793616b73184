"""What the pages are made of: the collaborators that all of them share, and the description of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from flask import request
from redis import Redis
from werkzeug.wrappers import Response

from api.http.api_keys import ApiKeys
from api.http.route import Access
from api.lists.breaker import Breaker
from api.lists.store import Store
from api.metrics.counters import Metrics
from contract.settings.settings import Settings
from contract.store.generations import Generations
from contract.text import words

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PageContext:
    """`queue`: the Redis of the job queues, which may be the store's own. `describe`: the OpenAPI document, made when somebody asks."""

    settings: Settings
    store: Store
    queue: Breaker
    api_keys: ApiKeys
    metrics: Metrics
    describe: Callable[[], dict[str, Any]] = dict

    @property
    def image_origins(self) -> frozenset[str]:
        """Other origins that pages may show pictures of."""
        return frozenset(origin.lower() for origin in words(self.settings.api_image_origins))

    def address(self) -> str:
        """The API's, as clients of the current request reach it, without a slash at its end."""
        origin = self.settings.api_public_origin.rstrip("/")
        return origin + request.script_root if origin else request.url_root.rstrip("/")

    def ask(self, command: Callable[[Generations], T]) -> T:
        """The answer of `command`; raises StoreError when the store does not answer."""
        return self.store.breaker.ask(lambda redis: command(self.generations(redis)))

    def generations(self, redis: Redis) -> Generations:
        return Generations(redis, self.store.keys, self.settings.pointer_ttl_ms)


@dataclass(frozen=True, slots=True)
class PageRoute:
    """One address. Whoever lacks `access` is sent to sign in; `is_part`: it is no page but a piece of one, which gets a 401 then."""

    path: str
    view: Callable[..., Response | str]
    access: Access = "read"
    methods: tuple[str, ...] = field(default=("GET",))
    is_part: bool = False

    @property
    def name(self) -> str:
        return "_".join([*self.methods, self.path]).lower()
