"""Proves that what Redis holds of a generation is what its shards wrote, and what its artifact says: all lists are read back."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from pydantic import BaseModel, ConfigDict

from contract.artifacts.artifact import Artifact, artifacts_in, damaged_arrays, open_artifact
from contract.errors import ArtifactError, GenerationError
from contract.formats.manifest import UNSEALED, Manifest
from contract.formats.states import HAS_LISTS
from contract.settings.settings import Settings
from contract.store.erasure import Erasure
from contract.store.generations import Generations
from trainer.verify.audiences import wrong_audiences
from trainer.verify.counters import wrong_counters
from trainer.verify.named_lists import wrong_named_lists
from trainer.verify.sample import sample_of, wrong_lists
from trainer.verify.shards import Checked, ShardChecks

SECOND_LOOK_S = 0.3  # an erasure or a promotion that was in the middle is over by then
CLOSER_LOOK = 2000  # users of shards with a changed list who are re-scored, to find out which

Show = Callable[[str, int, int], None]
"""Called with what is being read, done, total."""


class Report(BaseModel):
    """What was read back of a generation. `notes`: what could not be checked, and why. `problems`: a sentence each."""

    model_config = ConfigDict(frozen=True)

    generation: str
    users: int
    lists: int
    listed: int
    similar: int
    rescored: int
    notes: tuple[str, ...]
    problems: tuple[str, ...]


def verify(
    generations: Generations, settings: Settings, generation: str, sample: int = 200, show: Show = lambda _what, _done, _total: None
) -> Report:
    """Read all of `generation` back; `sample` users, the same at every call, are re-scored from the artifact.

    Raises GenerationError for one whose lists are not complete, or gone.
    """
    if (state := generations.state(generation)) not in HAS_LISTS:
        raise GenerationError(f"generation {generation} is {state or 'unknown'}: there are no lists to verify")
    manifest = generations.manifest(generation)
    show("artifact", 0, 1)
    artifact, problems, notes = _artifact(settings, manifest)
    show("artifact", 1, 1)
    done, total = 0, manifest.n_user_buckets + (manifest.n_item_buckets if manifest.settings.similar_depth else 0)

    def step() -> None:
        nonlocal done
        done += 1
        show("lists", min(done, total), total)  # a second look reads some buckets again

    erasure = Erasure(generations.redis, generations.keys, settings.erasure_secret.get_secret_value())
    checks = ShardChecks(generations, erasure, manifest, artifact, step)
    shards: list[Checked] = []
    chosen: list[int] = []
    if artifact is None:
        shards.append(_again_if_wrong(checks.of_all))
    else:
        for shard in range(manifest.n_shards):
            shards.append(_again_if_wrong(partial(checks.of_shard, shard, partial(open_artifact, settings.artifacts, generation))))
            if shards[-1].changed and len(chosen) < CLOSER_LOOK:
                chosen += range(*artifact["shards"][shard, :2].tolist())
    problems += [problem for checked in shards for problem in checked.problems]
    problems += wrong_counters(generations, manifest)
    rescored = 0
    if artifact is not None:
        problems += wrong_named_lists(generations, artifact)
        if wrong_audiences(generations, artifact):
            time.sleep(SECOND_LOOK_S)
            problems += wrong_audiences(generations, artifact)
        users = [*sample_of(artifact, sample), *chosen[:CLOSER_LOOK]]
        rescored, wrong = wrong_lists(generations, open_artifact(settings.artifacts, generation), users, partial(show, "re-scored"))
        problems += wrong
    return Report(
        generation=generation,
        users=sum(checked.users.users for checked in shards),
        lists=sum(checked.users.lists for checked in shards),
        listed=sum(checked.users.listed for checked in shards),
        similar=sum(checked.similar.users for checked in shards),
        rescored=rescored,
        notes=tuple(notes),
        problems=tuple(problems),
    )


def _again_if_wrong(check: Callable[[], Checked]) -> Checked:
    checked = check()
    if not checked.problems:
        return checked
    time.sleep(SECOND_LOOK_S)
    return check()


def _artifact(settings: Settings, manifest: Manifest) -> tuple[Artifact | None, list[str], list[str]]:
    """The artifact, if it can be relied on; what is wrong with it; what is therefore left out."""
    name, skipped = manifest.generation, "its shards are added up, its users not compared and nothing re-scored"
    if name not in artifacts_in(settings.artifacts):
        return None, [], [f"the artifact {name} is gone: {skipped}"]
    try:
        artifact = open_artifact(settings.artifacts, name)
        damaged = damaged_arrays(settings.artifacts, artifact)
    except ArtifactError as error:
        return None, [str(error)], [f"without an artifact {skipped}"]
    if any(spec.crc32 == UNSEALED for spec in artifact.manifest.arrays.values()):
        return None, ["the artifact is half rewritten: a user is being erased (verify again), or that was cut short (erase again)"], []
    if damaged:
        return (
            None,
            [f"the artifact's {array}.npy has been changed since it was written" for array in damaged],
            [f"with a damaged artifact {skipped}"],
        )
    if artifact.manifest.digest != manifest.digest:
        return None, ["the artifact was made from other data or settings than the generation"], [f"without its artifact {skipped}"]
    return artifact, [], []
