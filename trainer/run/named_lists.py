"""Named lists on their way: from a run to its artifact, and from there to Redis."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping

from contract.artifacts.artifact import Artifact
from contract.formats.ids import id_type_of
from contract.settings.settings import Settings
from contract.store.generations import Generations
from contract.store.lists import decode_names, fields_of, write_named_lists
from engine.arrays import Array
from trainer.interactions.interactions import Interactions
from trainer.interactions.subset import of_target
from trainer.items.named_lists import cook
from trainer.items.revision import ItemsSnapshot
from trainer.items.users import Segments, read_segments

log = logging.getLogger("larder.trainer")


def cook_lists(settings: Settings, interactions: Interactions, snapshot: ItemsSnapshot) -> dict[str, Array]:
    """Arrays of the artifact. Raises DataError for a users' file that can't be read."""
    source = settings.source
    segments = read_segments(source.users, source, id_type_of(interactions.user_ids)) if source.users else Segments({})
    if segments.doubled.told:
        log.warning("%s: %s", source.users, segments.doubled.told)
    return cook(of_target(interactions), snapshot, segments.of, settings)


def names_of(lists: Mapping[str, Array]) -> tuple[str, ...]:
    """Of the lists in those arrays, each once."""
    return tuple(dict.fromkeys(listed.name for listed in decode_names(lists["lists_names"].tobytes()))) if lists else ()


def write_lists(generations: Generations, artifact: Artifact) -> None:
    """Write what the artifact has, unseen until the generation is promoted."""
    write_named_lists(generations.redis, generations.keys, artifact.manifest.generation, fields_in(artifact), generations.acknowledged)


def fields_in(artifact: Artifact) -> Iterator[tuple[str, bytes]]:
    """As they stand in Redis; nothing where the artifact has no named lists."""
    if "lists_names" not in artifact.arrays:
        return iter(())
    names = decode_names(artifact["lists_names"].tobytes())
    items, scores, ends = (artifact[f"lists_{part}"].tolist() for part in ("items", "scores", "ends"))
    return fields_of(names, items, scores, ends, artifact.ids("item_ids"))
