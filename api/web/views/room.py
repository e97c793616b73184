"""How full the store is, and what waits in it: what a look at everything does without where it can't be had."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.web.site import Site
from contract.errors import LarderError
from contract.store.event_stream import events_in
from contract.store.streams.stream import Waiting


def memory(site: Site) -> Mapping[str, Any]:
    """INFO may be forbidden; then the page does without."""
    try:
        return site.store.breaker.ask(lambda redis: redis.info("memory"))
    except LarderError:
        return {}


def events(site: Site) -> Waiting | None:
    """None where events are off, or can't be read."""
    if not site.settings.events:
        return None
    try:
        return site.store.breaker.ask(lambda redis: events_in(redis, site.store.keys).waiting())
    except LarderError:
        return None
