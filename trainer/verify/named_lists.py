"""Whether the named lists in Redis are those of the artifact."""

from __future__ import annotations

from typing import cast

from contract.artifacts.artifact import Artifact
from contract.store.generations import Generations
from contract.store.lists import INDEX, decode_names, fields_of

_SHOWN = 3


def wrong_named_lists(generations: Generations, artifact: Artifact) -> list[str]:
    """What is wrong, a sentence; nothing where all is as it should be, and where the run cooked none."""
    if not artifact.manifest.lists:
        return []
    names = decode_names(artifact["lists_names"].tobytes())
    items, scores, ends = (artifact[f"lists_{part}"].tolist() for part in ("items", "scores", "ends"))
    expected = {field.encode(): raw for field, raw in fields_of(names, items, scores, ends, artifact.ids("item_ids"))}
    found = cast("dict[bytes, bytes]", generations.redis.hgetall(generations.keys.lists(artifact.manifest.generation)))
    wrong = sorted(field for field in expected.keys() | found.keys() if expected.get(field) != found.get(field))
    if not wrong:
        return []
    shown = ", ".join(repr(_told(field)) for field in wrong[:_SHOWN])
    return [f"{len(wrong):,} of the {len(expected):,} parts of named lists are not what the run cooked ({shown})"]


def _told(field: bytes) -> str:
    text = field.decode(errors="replace")
    return "the index" if text == INDEX else text.replace("\x1f", " ").strip()
