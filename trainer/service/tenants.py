"""The trainer service of all tenants: one process and one job at a time, by turns; what it sees to, it sees to for each of them."""

from __future__ import annotations

import logging
import os
import time

from redis.exceptions import RedisError

from contract.errors import LarderError, SettingsError
from contract.larder import Larder
from contract.queue.fair import FairWorker, Turn
from contract.queue.leases import worker_name
from contract.settings.settings import Settings
from contract.telemetry import level
from contract.tenants.file import TenantsFile
from contract.tenants.tenant import ALL_OF_THEM, TENANTS, Tenant
from trainer.service.keeping import Keeping
from trainer.service.service import warm

log = logging.getLogger("larder.tenants")


class Tended:
    """What is kept for the tenants of the file as it is now. A tenant that begins badly is logged, and tried again."""

    def __init__(self, file: TenantsFile, larder: Larder) -> None:
        self._file, self._larder = file, larder
        self._kept: dict[str, tuple[Tenant, Keeping, Turn]] = {}
        self._begun: set[str] = set()
        self._refused: dict[str, Tenant] = {}
        """Whose table could not be followed, and of whom that has been said."""
        self.look()

    def look(self) -> None:
        """Begin with who is new, or whose table is another; let go who is no more. What is served of those stays as it is."""
        tenants = self._file.all()
        for name in self._kept.keys() - tenants.keys():
            self._let_go(name, "gone from the file; its lists stay in Redis")
        for name, tenant in tenants.items():
            if name in self._kept and self._kept[name][0] is tenant:
                continue
            try:
                opened = self._opened(tenant)
            except (LarderError, OSError) as error:
                if self._refused.get(name) is not tenant:
                    log.error("the tenant %s: %s; what was in force for it stays", name, error)
                self._refused[name] = tenant
                continue
            if name in self._kept:
                self._let_go(name, "set anew")
            self._kept[name] = (tenant, *opened)

    def begin(self) -> None:
        """What a service does first, for each tenant that it has not been done for."""
        for name, (_, keeping, _) in self._kept.items():
            if name not in self._begun:
                try:
                    keeping.announce()
                    keeping.first_run()
                except (LarderError, RedisError, OSError) as error:
                    log.error("the tenant %s: %s", name, error)
                else:
                    self._begun.add(name)

    def close(self) -> None:
        for _, keeping, _ in self._kept.values():
            keeping.close()

    def turns(self) -> dict[str, Turn]:
        """By the name of the queue."""
        return {turn.queue.name: turn for _, _, turn in self._kept.values()}

    def beat(self) -> None:
        self.look()
        self.begin()
        for _, keeping, _ in list(self._kept.values()):
            keeping.beat()

    def idle(self) -> None:
        for _, keeping, _ in list(self._kept.values()):
            keeping.idle()

    def _let_go(self, name: str, why: str) -> None:
        self._kept.pop(name)[1].close()
        self._begun.discard(name)
        log.info("the tenant %s is %s", name, why)

    def _opened(self, tenant: Tenant) -> tuple[Keeping, Turn]:
        larder = Larder.sharing(tenant.settings, self._larder.store, self._larder.queue_redis)
        environ = {**{name: text for name, text in os.environ.items() if name not in ALL_OF_THEM}, **tenant.environ}
        keeping = Keeping(larder, environ)
        return keeping, Turn(larder.train_queue, larder.keys, keeping.given_up, tenant.become)


def serve_tenants(settings: Settings) -> None:
    """Work until told to stop."""
    file = TenantsFile(settings.tenants, os.environ)
    larder = Larder(settings, waits_for_jobs=True)
    tended = Tended(file, larder)
    if not tended.turns():
        raise SettingsError(f"{TENANTS}={settings.tenants!r}: no tenant's table can be followed: the log says why")
    warm(settings)
    tended.begin()

    def beat() -> None:
        level.follow(larder.store, larder.keys, settings)
        tended.beat()

    try:
        FairWorker(
            *(tended.turns, settings, worker_name(f"{os.getpid()}.{time.time_ns()}")),
            on_idle=tended.idle,
            on_beat=beat,
            service="larder-trainer",
        ).work(logging_level=settings.log_level)
    finally:
        tended.close()
