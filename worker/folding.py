"""Lists of single users from a generation's artifact, with events that came since folded in. No Redis here.

The user's rows are made anew from all events of the user, those that the run has read and those since, and scored by what scores a shard:
same engine, same rules, same bytes. The similarity, the prior and the clock to which weights decay stay those of the generation; what
came since has age 0. Items that the generation does not know are passed over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np

from contract.artifacts.artifact import Artifact
from contract.artifacts.artifact_writer import id_arrays
from contract.formats.events import Event, weight_of
from contract.formats.ids import stored_id
from contract.formats.keys import Id
from engine.arrays import Array
from engine.weighing.scored import rows_to_score
from worker.shard import Lists, users_of

EVENT_ARRAYS = ("event_indptr", "event_items", "event_weights")


@dataclass(frozen=True)
class Folder:
    """Of one artifact. `weights`: of types of events; empty: those that types have by themselves."""

    artifact: Artifact
    weights: Mapping[str, float]

    @property
    def can_fold(self) -> bool:
        """Whether the artifact has the events that its rows were made from."""
        return all(name in self.artifact.arrays for name in EVENT_ARRAYS)

    @cached_property
    def item_ids(self) -> Sequence[Id]:
        return self.artifact.ids("item_ids")

    @cached_property
    def _items(self) -> Mapping[Id, int]:
        return {item: at for at, item in enumerate(self.item_ids)}

    @cached_property
    def _users(self) -> Mapping[Id, int]:
        erased = set(self.artifact.manifest.erased)
        return {user: at for at, user in enumerate(self.artifact.ids("user_ids")) if at not in erased}

    def fold(self, did: Mapping[Id, Sequence[Event]]) -> Lists:
        """Lists of users by what each did since, in the order in which it came; a user of whom nothing is known has an empty one."""
        manifest, arrays, model = self.artifact.manifest, self.artifact.arrays, self.artifact.manifest.settings
        rows = [self._events_of(user, events) for user, events in did.items()]
        user_idx = np.repeat(np.arange(len(rows), dtype=np.int32), [len(items) for items, *_ in rows])
        items, weights, times = (np.concatenate([row[at] for row in rows]) for at in range(3))
        made = rows_to_score(
            *(user_idx, items, weights, times if "event_times" in arrays else None, len(rows), manifest.n_items, model),
            has_prior="prior" in arrays,
            now=_epoch_s(manifest.data_until),
        )
        disliked = [row[3] for row in rows]
        ends = np.cumsum([0, *(len(some) for some in disliked)], dtype=np.int64)
        own = {"disliked_indptr": ends, "disliked_indices": np.concatenate(disliked)} if ends[-1] else {}
        if "seen_indptr" in arrays:
            taken = [row[4] for row in rows]
            own |= {"seen_indptr": np.cumsum([0, *map(len, taken)], dtype=np.int64), "seen_indices": np.concatenate(taken)}
        kept = {name: array for name, array in arrays.items() if not name.startswith(("disliked_", "seen_", "user_ids"))}
        small = {**kept, **made.arrays(model.normalize), **own, **id_arrays("user_ids", list(did))}
        return users_of(Artifact(manifest.model_copy(update={"erased": ()}), small), 0, len(rows), self.item_ids)

    def _events_of(self, user: Id, since: Sequence[Event]) -> tuple[Array, Array, Array, Array, Array]:
        """What a user's rows are made from: items, weights, times; what the user disliked, and what was taken by events of the target or
        disliked, rising."""
        items, weights, times, disliked, taken = self._read(user)
        for event in since:
            at, weight = self._item(event.item_id), weight_of(event, self.weights)
            if at is not None and weight is not None:
                items.append(at)
                weights.append(weight)
                times.append(event.time)
                taken.append(event.type == self._target)
        item, weight_, time = np.array(items, np.int32), np.array(weights, np.float32), np.array(times, np.int64)
        below = weight_ <= 0
        if below.any():  # a pair with events of both kinds is what they come to, as in a run
            total = np.bincount(item, weight_.astype(np.float64), self.artifact.manifest.n_items)
            disliked |= {at for at in item[below].tolist() if total[at] <= 0}
        liked = ~below & ~np.isin(item, list(disliked))
        took = np.union1d(item[liked & np.array(taken, bool)], list(disliked)).astype(np.int32)
        return item[liked], weight_[liked], time[liked], np.array(sorted(disliked), np.int32), took

    @property
    def _target(self) -> str:
        """The type of events that the generation recommends; "" where all are."""
        return str(self.artifact.manifest.reading.get("target", ""))

    def _read(self, user: Id) -> tuple[list[int], list[float], list[int], set[int], list[bool]]:
        """The same of what the run has read of the user; which events are of the target, in place of what was taken."""
        position = self._users.get(user)
        if position is None:
            return [], [], [], set(), []
        arrays = self.artifact.arrays
        own = slice(*arrays["event_indptr"][position : position + 2].tolist())
        items, weights = arrays["event_items"][own].tolist(), arrays["event_weights"][own].tolist()
        times = arrays["event_times"][own].tolist() if "event_times" in arrays else [0] * len(items)
        targets = arrays["event_targets"][own].tolist() if "event_targets" in arrays else [False] * len(items)
        if "disliked_indptr" not in arrays:
            return items, weights, times, set(), targets
        turned_down = slice(*arrays["disliked_indptr"][position : position + 2].tolist())
        return items, weights, times, set(arrays["disliked_indices"][turned_down].tolist()), targets

    def _item(self, given: Id) -> int | None:
        item = stored_id(given, self.artifact.manifest.item_id_type)
        return None if item is None else self._items.get(item)


def _epoch_s(data_until: str | None) -> int | None:
    return None if data_until is None else int(datetime.fromisoformat(data_until).timestamp())
