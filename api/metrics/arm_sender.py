"""Tells Redis every few seconds what this process has answered to users of the arms of an experiment, so that the trainer service sees the
sum over all processes and hosts. A request pays nothing for it, but for one whose answer is empty or an error.

What a process could not tell, since it was killed or Redis was away, is lost: of all arms alike, and never counted twice.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable

from redis import Redis
from redis.exceptions import RedisError

from api.lists.pointers import Pointers
from api.metrics.counters import Metrics
from contract.errors import LarderError
from contract.experiments.answers import ArmAnswers, BrokenSlot, since_of
from contract.experiments.arms import Arms
from contract.experiments.definition import slot_of
from contract.formats.keys import Id, Keys
from contract.settings.settings import Settings
from contract.store.connections import connect

EVERY_S = 2.0
TIMEOUT_S = 1.0
LAST_S = 2.0  # what the end of a process waits for
log = logging.getLogger(__name__)
Counts = dict[tuple[str, str], int]


class ArmSender:
    """`begin` after the fork."""

    def __init__(self, settings: Settings, metrics: Metrics, pointers: Pointers) -> None:
        self._settings, self._metrics, self._pointers = settings, metrics, pointers
        self._lock, self._ends = threading.Lock(), threading.Event()
        self._told: Counts = {}
        self._experiment = ""
        self._found = dict[tuple[str, int], BrokenSlot]()
        self._known = set[tuple[str, int]]()
        self._thread: threading.Thread | None = None
        self._is_away = False
        self._redis: Redis | None = None

    def begin(self) -> None:
        """Look every few seconds, which asks nobody while no experiment runs."""
        self._told = self._metrics.arm_totals()
        thread = threading.Thread(target=self._serve, name="arms", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            log.warning("no thread can be started that sends what arms answered, so this process counts for none: %s", error)
        else:
            self._thread = thread

    def close(self) -> None:
        """Send the rest, if Redis takes it soon."""
        self._ends.set()
        if self._thread is not None:
            self._thread.join(LAST_S)

    def broken(self, arm: str, outcome: str, users: Iterable[Id]) -> None:
        """These users of `arm` got an answer that was empty, or an error."""
        arms = self._pointers.running_arms
        if arms is None:
            return
        since, salt = since_of(arms.experiment), arms.experiment.salt
        with self._lock:
            self._follow(arms)
            for user in users:
                found = BrokenSlot(outcome, slot_of(user, salt), arm, since)
                if found[:2] not in self._known:
                    self._known.add(found[:2])
                    self._found[found[:2]] = found

    def send(self) -> None:
        """What was counted since it was last sent. Raises redis-py's errors; then that is lost."""
        arms = self._pointers.running_arms
        totals = self._metrics.arm_totals()
        counts = {of: n - self._told.get(of, 0) for of, n in totals.items() if n != self._told.get(of, 0)}
        self._told = totals
        if arms is None:
            return
        with self._lock:
            if self._follow(arms):
                counts = {}  # of the experiment before, or since when is not known
            found, self._found = list(self._found.values()), {}
        experiment = arms.experiment
        known = {arm: n for arm, n in counts.items() if arm[0] in experiment.names}
        if known or found:
            slots = {since_of(experiment): {arm.name: arm.slots for arm in experiment.arms}}
            if self._redis is None:
                self._redis = connect(self._settings.redis_url, timeout_s=TIMEOUT_S, retries=0)
            try:
                ArmAnswers(self._redis, Keys(self._settings.namespace), experiment.id).add(known, slots, found)
            except BaseException:
                with self._lock:  # the next broken answer of a slot that could not be told is its first
                    self._known.difference_update(one[:2] for one in found)
                raise

    def _follow(self, arms: Arms) -> bool:
        """Whether another experiment runs than when this was last asked; nothing that was found before is of that one."""
        if arms.experiment.id == self._experiment:
            return False
        self._experiment, self._found, self._known = arms.experiment.id, {}, set()
        return True

    def _serve(self) -> None:
        is_last = False
        while not is_last:
            is_last = self._ends.wait(EVERY_S)
            try:
                self.send()
            except (RedisError, LarderError, OSError) as error:
                if not self._is_away:
                    log.warning("Redis does not take what arms answered, which is lost until it does: %s", error)
                self._is_away = True
            except Exception:  # whatever it is, the next counts may be better
                log.exception("what arms answered can't be sent")
            else:
                self._is_away = False
