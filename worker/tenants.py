"""Workers of all tenants: each takes one shard of a tenant, then one of the next."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from contract.larder import Larder
from contract.queue.fair import Turn
from contract.queue.jobs import SCORES
from contract.settings.settings import Settings
from contract.store.removal import give_up
from contract.tenants.file import TenantsFile
from contract.tenants.tenant import Tenant

log = logging.getLogger("larder.worker")


def given_up_of(larder: Larder) -> Callable[[str, list[Any], str], None]:
    """What to do when a job of this catalogue has no retry left."""

    def given_up(job_id: str, args: list[Any], reason: str) -> None:
        log.error("%s is given up: %s", job_id, reason)
        if job_id.startswith(SCORES):  # others concern a generation whose lists were there
            give_up(larder.generations, str(args[0]), f"shard {args[1]}: {reason}")

    return given_up


def counting(settings: Settings, file: TenantsFile | None) -> Callable[[], list[Settings]]:
    """Called for the catalogues whose events count at once, as the file of tenants is now: each has a process of its own for that."""
    if file is None:
        return lambda: [settings] if settings.counts_at_once else []
    return lambda: [tenant.settings for tenant in file.all().values() if tenant.settings.counts_at_once]


class ScoreTurns:
    """Called for what is to be scored for whom, as the file is now."""

    def __init__(self, file: TenantsFile, larder: Larder) -> None:
        self._file, self._larder = file, larder
        self._kept: dict[str, tuple[Tenant, Turn]] = {}

    def __call__(self) -> Mapping[str, Turn]:
        """By the name of the queue."""
        tenants = self._file.all()
        self._kept = {name: self._of(name, tenant) for name, tenant in tenants.items()}
        return {turn.queue.name: turn for _, turn in self._kept.values()}

    def _of(self, name: str, tenant: Tenant) -> tuple[Tenant, Turn]:
        kept = self._kept.get(name)
        if kept is not None and kept[0] is tenant:
            return kept
        larder = Larder.sharing(tenant.settings, self._larder.store, self._larder.queue_redis)
        return tenant, Turn(larder.score_queue, larder.keys, given_up_of(larder), tenant.become)
