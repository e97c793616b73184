"""Sees to it that what is served is whole: counts lists each minute and after each promotion, and lets what is lost be made again.

It counts while the trainer trains, too, a slice at each beat. Runs and retention are left alone: only the current and the previous
generation, and arms of an experiment, are looked at, which neither touches.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Generator

from contract.experiments.moves import Experiments
from contract.formats.manifest import Pointer
from contract.larder import Larder
from contract.queue.healing import enqueue_healing, enqueue_named, is_alive
from contract.queue.jobs import diff_job_id, enqueue_diff
from contract.store.replicas.lost import AUDIENCES, BY_SHARD, NAMED, POPULAR, Count, Lost, tell, told

log = logging.getLogger("larder.healing")
EVERY_S, WHILE_LOST_S = 60.0, 10.0
AGAIN_S, MOST_S = 60.0, 3600.0
"""How long healing is given before it is asked for again: twice as long each time, up to an hour."""


class Healing:
    def __init__(self, larder: Larder) -> None:
        self._larder = larder
        self._steps = self._looks()
        self._not_before = 0.0
        self._asked: dict[str, tuple[int, float]] = {}
        self._cooked: set[str] = set()

    def tick(self) -> None:
        """A slice of a look. After an error it begins anew, a moment later."""
        if time.monotonic() < self._not_before:
            return
        try:
            next(self._steps)
        except BaseException:
            self._steps, self._not_before = self._looks(), time.monotonic() + WHILE_LOST_S
            raise

    def _looks(self) -> Generator[None, None, None]:
        generations = self._larder.generations
        while True:
            began, pointer = time.monotonic(), generations.current()
            names = self._served(pointer) if pointer else []
            lost = False
            for name in names:
                lost = (yield from self._look(name)) or lost
            self._forget(names)
            while time.monotonic() - began < (WHILE_LOST_S if lost else EVERY_S):
                yield
                now = generations.current()
                if (now and now.generation) != (pointer and pointer.generation):
                    break

    def _served(self, pointer: Pointer) -> list[str]:
        """What readers are given, or may be given again at once; arms of an experiment, too."""
        arms = Experiments(self._larder.generations).fixed()
        return list(dict.fromkeys(name for name in (pointer.generation, *sorted(arms), pointer.previous) if name))

    def _look(self, name: str) -> Generator[None, None, bool]:
        """Whether something is missing: twice, since an erasure may have been at work at the first look."""
        for is_second in (False, True):
            count = Count(self._larder.generations, name)
            while count.step():
                yield
            lost = self._without_cooking(count.lost())
            if lost is None:
                self._asked.pop(name, None)
                return False
            if is_second:
                self._heal(lost)
        return True

    def _without_cooking(self, lost: Lost | None) -> Lost | None:
        """Without users of items, where a job that writes them is on its way."""
        if lost is None or AUDIENCES not in lost.held or not is_alive(self._larder.train_queue, diff_job_id(lost.generation)):
            return lost
        held = {kind: n for kind, n in lost.held.items() if kind != AUDIENCES}
        return lost.model_copy(update={"held": held}) if held else None

    def _heal(self, lost: Lost) -> None:
        larder, name = self._larder, lost.generation
        said = next((each for each in told(larder.store, larder.keys) if each.generation == name), None)
        tell(larder.store, larder.keys, name, lost.model_copy(update={"why": said.why if said else ""}))
        if said is None or said.held != lost.held:
            log.error("generation %s has lost %s: they are made again from its artifact", name, lost.words)
        tries, due = self._asked.get(name, (0, 0.0))
        if time.monotonic() < due:
            return
        self._asked[name] = tries + 1, time.monotonic() + min(MOST_S, AGAIN_S * 2**tries)
        ask(larder, lost)
        if AUDIENCES in lost.held and name not in self._cooked:
            self._cooked.add(name)
            enqueue_diff(larder.train_queue, larder.settings, name)

    def _forget(self, looked_at: list[str]) -> None:
        """What was said of generations that are whole, or that nobody looks at any more."""
        larder = self._larder
        for said in told(larder.store, larder.keys):
            if said.generation in looked_at and said.generation in self._asked:
                continue
            log.info("nothing of generation %s is missing any more", said.generation)
            tell(larder.store, larder.keys, said.generation, None)


def ask(larder: Larder, lost: Lost) -> None:
    """Let workers make lost lists again, and the trainer named ones. Asked again, what is on its way is left alone."""
    if BY_SHARD & lost.held.keys():
        enqueue_healing(larder.score_queue, larder.settings, lost.generation)
    if {POPULAR, NAMED} & lost.held.keys():
        enqueue_named(larder.train_queue, larder.settings, lost.generation)
