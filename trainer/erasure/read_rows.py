"""Takes a user out of what incremental reading keeps of files."""

from __future__ import annotations

from contract.artifacts.artifact import READ_FOLDER, folder_of
from contract.formats.keys import Id
from contract.settings.settings import Settings


def remove_read(settings: Settings, user_id: Id, remains: list[str]) -> int:
    """What incremental reading keeps of files that name the user; how many files. `remains`: where that fails, a sentence."""
    folder = folder_of(settings.artifacts) / READ_FOLDER
    if not folder.is_dir():
        return 0
    from trainer.kept.forgetting import forget  # polars takes a moment to import: only for who keeps what was read

    try:
        return forget(folder, user_id)
    except OSError as error:
        remains.append(f"what is kept of files that were read can't be removed: {error}")
        return 0
