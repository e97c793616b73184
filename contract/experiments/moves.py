"""Begins, changes and ends the one experiment that may run. Each is one step of Redis, and every reader follows it at one moment."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import cast

from pydantic import ValidationError

from contract.errors import GenerationError
from contract.experiments.definition import CURRENT, MODEL, Arm, Experiment
from contract.experiments.ending import Ending
from contract.experiments.shares import allotted
from contract.formats.manifest import MovedPointer
from contract.formats.states import HAS_LISTS
from contract.store.generations import Generations
from contract.store.scripts import scripts

_HELD = "an experiment's arms are as they began"


class Experiments:
    """`generations`: of the namespace; its `settle_ms` says when readers follow."""

    def __init__(self, generations: Generations) -> None:
        self._generations = generations

    def served(self) -> MovedPointer | None:
        """What is current, with the experiment."""
        raw = cast("bytes | None", self._generations.redis.get(self._generations.keys.current))
        return MovedPointer.model_validate_json(raw) if raw else None

    def running(self) -> Experiment | None:
        """Raises GenerationError for one of a version that this one can't read."""
        served = self.served()
        try:
            return None if served is None or served.experiment is None else Experiment.model_validate(served.experiment)
        except ValidationError:
            raise GenerationError("the experiment that runs was begun by a later version of Larder: use that one to change it") from None

    def fixed(self) -> frozenset[str]:
        """Generations that arms serve beside what is served; also of an experiment of a later version."""
        served = self.served()
        arms = served.experiment.get("arms", ()) if served and served.experiment else ()
        return frozenset(str(arm["pointer"]["generation"]) for arm in arms if arm.get("pointer"))

    def served_models(self) -> bool:
        """Whether an experiment runs, or was started, that has arms that are models; also of a later version."""
        served = self.served()
        return bool(served and served.experiment and any(str(arm["name"]).startswith(MODEL) for arm in served.experiment.get("arms", ())))

    def start(
        self, shares: Mapping[str, int], by: str, stop_when_worse: str = "", *, stop_when_broken: bool = False, interleaves: bool = False
    ) -> Experiment:
        """Begin an experiment: slots by arm (shares.py), where each arm but `current` is a generation that has its lists, or a model.

        With an arm that is a model it begins when a run that starts from now on is promoted, which makes generations of all of them.
        All but `by` as in Experiment. Raises GenerationError where one runs, or an arm can't be served.
        """
        if (running := self.running()) is not None:
            raise GenerationError(f"an experiment runs already, of {', '.join(running.names)}: stop it first, or change its shares")
        fixed = [name for name in shares if name != CURRENT and not name.startswith(MODEL)]
        for name in fixed:
            if self._generations.state(name) not in HAS_LISTS:
                state = self._generations.state(name) or "unknown"
                raise GenerationError(f"generation {name} is {state}, so it can't be an arm: an arm needs a generation that is complete")
        arms = tuple(
            Arm(name=name, slots=slots, pointer=self._generations.manifest(name).pointer() if name in fixed else None)
            for name, slots in allotted(shares).items()
        )
        (self._need_one_spelling if interleaves else self._need_explanations)(arms)
        experiment = Experiment(
            id=secrets.token_hex(4), salt=secrets.token_hex(16), arms=arms, began_at_ms=0, by=by,
            stop_when_worse=stop_when_worse, stop_when_broken=stop_when_broken, interleaves=interleaves,
        )  # fmt: skip
        if not experiment.models:
            began = self._follow_ms()
            experiment = experiment.model_copy(update={"began_at_ms": began}).with_slots_from(began)
        self._set("", experiment, experiment)
        return experiment

    def share(self, shares: Mapping[str, int]) -> Experiment:
        """Give the arms of the running experiment other shares; as few users as possible move. Raises GenerationError."""
        running = self._needed()
        if running.interleaves:
            raise GenerationError("the experiment interleaves two lists for everybody, so no arm has a share: stop it first")
        if set(shares) != set(running.names):
            raise GenerationError(f"{_HELD}, {', '.join(running.names)}: name each of them, or stop it and start another one")
        slots = allotted(shares, {arm.name: arm.ranges for arm in running.arms})
        changed = running.model_copy(
            update={"arms": tuple(arm.model_copy(update={"slots": slots[arm.name]}) for arm in running.arms)},
        )
        changed = changed.with_slots_from(self._follow_ms()) if running.has_begun else changed
        self._set(running.id, changed, changed)
        return changed

    def stop(self, seen: str = "") -> Experiment:
        """End it: everybody gets what is served. What it was. Raises GenerationError where none runs.

        `seen`: the id of the experiment that the caller means; another one that runs by now goes on. "": whichever runs.
        """
        running = self._needed(seen)
        self._set(running.id, None, running)
        return running

    def stop_by_itself(self, seen: str, arm: str, by: str, why: str) -> Experiment:
        """End it since `arm` is worse, and let others be told of it: `by` whom, and `why`. Raises as `stop`."""
        running = self._needed(seen)
        seconds, micros = self._generations.redis.time()
        why_it_ends = Ending(experiment=running.id, at_ms=seconds * 1000 + micros // 1000, by=by, arm=arm, why=why)
        self._set(running.id, None, running, why_it_ends)
        return running

    def promote(self, arm: str, by: str, force: bool = False, seen: str = "") -> Experiment:
        """End it with one arm for everybody: its generation is promoted as a person's promotion is, then the experiment ends.

        In between, the arm `current` has it already; of an arm that is a model the two are one step. `seen` as in `stop`. Raises
        GenerationError, GateError.
        """
        running = self._needed(seen)
        found = next((each for each in running.arms if each.name == arm), None)
        if found is None:
            raise GenerationError(f"the experiment has no arm {arm[:80]}; it has {', '.join(running.names)}")
        if found.model and found.pointer is None:
            raise GenerationError(f"arm {arm} has no generation yet: the experiment begins with the next run")
        if found.pointer is not None:
            self._generations.promote_by_hand(found.pointer.generation, by, force)
        still = self.running()
        return self.stop(running.id) if still is not None and still.id == running.id else running

    def _need_explanations(self, arms: Sequence[Arm]) -> None:
        """Requests that ask why an item is listed would be refused for users of an arm without, and batches for everybody."""
        depth = served.explain_depth if (served := self.served()) else 0
        if lacking := [arm.name for arm in arms if depth and arm.pointer and not arm.pointer.explain_depth]:
            raise GenerationError(
                f"generation {lacking[0]} has no explanations, and what is served has: requests with `explain` would be refused for its "
                f"users, and batches for all. Train it with --explain-depth {depth}, or promote a generation without explanations first"
            )

    def _need_one_spelling(self, arms: Sequence[Arm]) -> None:
        """Ids that are numbers in one list and texts in the other would be two items."""
        served = self.served()
        for arm in arms:
            if (
                arm.pointer
                and served
                and (arm.pointer.item_id_type, arm.pointer.user_id_type) != (served.item_id_type, served.user_id_type)
            ):
                raise GenerationError(
                    f"ids of generation {arm.name} are of another type than those of what is served: it can't be interleaved"
                )

    def _follow_ms(self) -> int:
        """When readers follow a move that is made now."""
        seconds, micros = self._generations.redis.time()
        return seconds * 1000 + micros // 1000 + 1 + self._generations.settle_ms

    def _needed(self, seen: str = "") -> Experiment:
        if (running := self.running()) is None:
            raise GenerationError("no experiment runs")
        if seen and running.id != seen:
            raise GenerationError(f"experiment {seen} is over, and {running.id} runs: look at that one, then end it if you want to")
        return running

    def _set(self, seen: str, experiment: Experiment | None, of: Experiment, ending: Ending | None = None) -> None:
        keys, generations = self._generations.keys, self._generations
        names = list(dict.fromkeys(arm.pointer.generation for arm in of.arms if arm.pointer is not None))
        text = "" if experiment is None else experiment.model_dump_json(exclude={"arms": {"__all__": {"pointer"}}})
        outcome = scripts(generations.redis, "set_experiment")["set_experiment"](
            keys=[keys.current, keys.experiment_ended, *map(keys.generation, names)],
            args=[seen, text, generations.settle_ms, ending.model_dump_json() if ending else "", *names],
        ).decode()
        if outcome != "done":
            raise GenerationError(f"{outcome}, so nothing has changed: look at the experiment again")
