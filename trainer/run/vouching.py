"""Whose options a run has: a command of the trainer's own machine vouches for them, by a key that lies beside the artifacts.

Whoever may write to the queue, the API before all, can ask for a run. Only who can read the trainer's folder can vouch, and so
choose any source: `larder run`, under the user that the trainer runs as.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from contract.artifacts.artifact import folder_of
from contract.errors import SettingsError
from contract.settings.run_sources import PLACES, RUN_OPTIONS, SOURCE_OPTIONS, STDIN_REFUSED, is_listed, refusal
from contract.settings.settings import PREFIX, Settings
from contract.settings.source import STDIN, without_events
from contract.text import words

KEY_FILE = ".run-key"
KEY_BYTES = 32


def vouch(settings: Settings, run: str, options: Mapping[str, object]) -> str:
    """What goes with the run to the trainer; "" where its options need nobody to vouch. Raises SettingsError for what it can't have."""
    if any(options.get(name) == STDIN for name in PLACES):
        raise SettingsError(STDIN_REFUSED)
    if not SOURCE_OPTIONS & options.keys():
        return ""
    try:
        return _mark(_key(settings), run, options)
    except OSError as error:
        if words(settings.run_sources):
            return ""  # the trainer tells whether they are among these
        raise SettingsError(
            f"{error.filename}: {error.strerror}: a run with a source of its own is started where the trainer service runs, "
            f"as its user and with its {PREFIX}ARTIFACTS; or {PREFIX}RUN_SOURCES names that source"
        ) from None


def check(settings: Settings, run: str, options: Mapping[str, object], mark: str) -> None:
    """`settings`: the trainer's own. Raises SettingsError for options that the run may not have."""
    if foreign := sorted(options.keys() - RUN_OPTIONS):
        raise SettingsError(f"a run can't be asked for {', '.join(foreign)[:200]!r}: these are settings of the trainer's process")
    if STDIN in (str(options.get(name, getattr(settings, name))) for name in PLACES):
        raise SettingsError(STDIN_REFUSED)
    reason = refusal(settings, options)
    if reason and not (mark and _is_marked(settings, run, options, mark)):
        raise SettingsError(reason)
    if not reason:
        _check_files(settings, options)


def _check_files(settings: Settings, options: Mapping[str, object]) -> None:
    """A folder that is listed may hold links to what is not: each file that an option stands for is looked at by itself."""
    from trainer.sources.tables.locations import find

    for name in PLACES:
        place = without_events(str(options.get(name, "")))[0]
        if place in ("", getattr(settings, name)) or "://" in place or not Path(place).is_absolute():
            continue
        for location in find(place):
            if not is_listed(location.address, words(settings.run_sources)):
                raise SettingsError(f"{name}: {location.address} leads out of what {PREFIX}RUN_SOURCES names")


def _is_marked(settings: Settings, run: str, options: Mapping[str, object], mark: str) -> bool:
    try:
        return hmac.compare_digest(_mark(_key(settings), run, options), mark)
    except (OSError, TypeError):
        return False


def _mark(key: bytes, run: str, options: Mapping[str, object]) -> str:
    return hmac.digest(key, json.dumps([run, dict(options)], sort_keys=True).encode(), "sha256").hex()


def _key(settings: Settings) -> bytes:
    """Made once, whole or not at all, for the owner alone."""
    path = folder_of(settings.artifacts) / KEY_FILE
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{KEY_FILE}.{os.getpid()}.{secrets.token_hex(4)}")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_bytes()
