"""Takes a user out of what people did, and of what they were shown: Redis, streams and files."""

from __future__ import annotations

from pathlib import Path

from redis import Redis

from contract.artifacts.artifact import EVENTS_FOLDER, IMPRESSIONS_FOLDER, folder_of
from contract.formats.keys import Id, Keys
from contract.settings.settings import Settings
from contract.store import recent_events
from contract.store.event_stream import events_in
from contract.store.streams.impressions import impressions_in


def remove_done(settings: Settings, store: Redis, keys: Keys, user_id: Id) -> tuple[int, int]:
    """How many events and how many impressions went. What is read from the streams from now on leaves the user out."""
    recent_events.forget(store, keys, user_id)
    folder = folder_of(settings.artifacts)
    n_events = events_in(store, keys).forget(user_id) + _out_of_files(folder / EVENTS_FOLDER, user_id)
    return n_events, impressions_in(store, keys).forget(user_id) + _out_of_files(folder / IMPRESSIONS_FOLDER, user_id)


def _out_of_files(folder: Path, user_id: Id) -> int:
    if not folder.is_dir():
        return 0
    from trainer.events.tidying import forget  # polars takes a moment to import: only for who keeps any

    return forget(folder, user_id)
