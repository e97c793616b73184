"""The folder of artifacts: can it be written, has it room, and is it the one that belongs to the namespace?"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError
from redis import Redis

from contract.artifacts.artifact import READ_FOLDER, artifacts_in, folder_of, has_artifact, manifest_of
from contract.artifacts.object_store import is_remote
from contract.errors import ArtifactError
from contract.formats.keys import Keys
from contract.formats.manifest import Manifest
from contract.formats.states import HAS_LISTS
from contract.settings.settings import Settings
from contract.store.generations import Generations
from trainer.doctor.finding import Finding, fail, ok, warn

LOW_BYTES = 2**30
NAMED = 3  # generations that a line names


def look_at_folder(settings: Settings) -> Finding:
    """Without Redis."""
    folder = folder_of(settings.artifacts)
    subject = "artifacts"
    if is_remote(settings.artifacts):
        try:
            artifacts_in(settings.artifacts)
        except ArtifactError as error:
            return fail(subject, str(error), "Look at LARDER_ARTIFACTS, and at the credentials and the endpoint in the environment")
    advice = "Give the trainer's user a folder in LARDER_ARTIFACTS that it may write to, and that workers may read"
    place = _existing(folder)
    if not place.is_dir():
        return fail(subject, f"{place} is not a folder", advice)
    if place == folder:
        try:
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            return fail(subject, f"{folder} can't be written: {error.strerror}", advice)
    elif not os.access(place, os.W_OK | os.X_OK):
        return fail(subject, f"{folder} is not there, and can't be made in {place}", advice)
    free = shutil.disk_usage(place).free
    if free < LOW_BYTES:
        return warn(subject, f"{folder} has {free / 2**20:,.0f} MiB left", "Free some, or lower LARDER_KEEP_GENERATIONS")
    read = sum(file.stat().st_size for file in (folder / READ_FOLDER).rglob("*.parquet"))
    kept = f"; {read / 2**20:,.0f} MiB are kept of files that were read" if read else ""
    return ok(subject, f"{folder} can be written, {free / 2**30:,.0f} GiB are free{kept}")


def look_at_generations(redis: Redis, settings: Settings) -> Iterator[Finding]:
    """Whether folder and namespace know the same generations: two trainers with one namespace and two folders would not."""
    generations = Generations(redis, Keys(settings.namespace))
    folder = settings.artifacts if is_remote(settings.artifacts) else str(folder_of(settings.artifacts))
    states = {name: generations.state(name) for name in generations.ids()}
    missing = [name for name, state in states.items() if state in HAS_LISTS and not has_artifact(settings.artifacts, name)]
    stray = [name for name in artifacts_in(settings.artifacts) if name not in states and has_artifact(settings.artifacts, name)]
    if missing and stray:
        yield fail(
            "artifacts and namespace",
            f"{settings.namespace!r} in Redis has {_some(missing)}, and {folder} does not; "
            f"Redis does not know {_some(stray)}, which that has",
            "If Redis was restored from older data: what is served is whole, and as old as that; `larder publish` serves the newest "
            "artifact's lists again. Else another stack uses this namespace, or this folder: give each catalogue its own",
        )
    elif missing:
        yield fail(
            "artifacts and namespace",
            f"{settings.namespace!r} in Redis has {_some(missing)}, and {folder} does not",
            "Another trainer seems to use this namespace with a folder of its own: give each catalogue its own LARDER_NAMESPACE. If the "
            "folder was lost, train again",
        )
    elif stray:
        yield warn(
            "artifacts and namespace",
            f"{folder} has {_some(stray)}, and {settings.namespace!r} in Redis does not",
            "Another namespace seems to use this folder, or Redis was emptied: give each catalogue its own LARDER_ARTIFACTS",
        )
    if not missing and not stray:
        yield ok("artifacts and namespace", "both know the same generations")
    yield from _forgotten(redis, settings, [*(name for name in states if name not in missing), *stray])


def _forgotten(redis: Redis, settings: Settings, names: list[str]) -> Iterator[Finding]:
    """Artifacts remember who was erased from them, which a Redis that was emptied, or is older, does not."""
    found = {name: raw for name in names if (raw := manifest_of(settings.artifacts, name)) is not None}
    n_erased: dict[str, int] = {}
    for name, raw in found.items():
        try:
            n_erased[name] = len(Manifest.model_validate_json(raw).erased)
        except ValidationError:
            advice = "Bring it back from a backup; or delete its folder, and train again if it is served"
            yield fail("artifacts", f"the manifest of {name} is damaged, or of a newer Larder", advice)
    remembered = redis.zcard(Keys(settings.namespace).erased)
    if lost := [name for name, n in n_erased.items() if n > remembered]:
        most = max(n_erased[name] for name in lost)
        yield fail(
            "erased users",
            f"{most} were erased from {_some(lost)}, and Redis remembers {remembered}: it was emptied, or restored from older data",
            "Their lists may be served, and the next run brings them back: erase them again, or restore a newer backup",
        )


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    return next(place for place in (folder, *folder.parents) if place.exists())


def _some(names: list[str]) -> str:
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
