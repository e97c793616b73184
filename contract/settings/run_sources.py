"""What a run that is asked for may read: the API tells it from the request, the trainer from the job.

By default a run reads what the trainer is set to read, with the trainer's own source settings. `LARDER_RUN_SOURCES` names what else may
be asked for, with commas between:

    /data/shops                          a folder or a file of the trainer, as it is after symlinks and `..`
    s3://bucket/shops, https://host/x    addresses that begin so, at the end of a part of their path
    postgresql://host:5432/shop          a database; without a name every one of that server
                                         (`sqlite:///FILE` and `duckdb:///FILE` follow the folders)
    movielens-100k, synthetic:           a set of this name, or one of made-up data
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from contract.settings.settings import PREFIX, ModelSettings, Settings
from contract.settings.source import STDIN, CleaningSettings, SourceSettings, without_events
from contract.text import words

RUN_OPTIONS = frozenset(ModelSettings.model_fields) | frozenset(SourceSettings.model_fields) | {"retune", "tune_budget_s"}
"""What a run may be asked for at all: the settings of the trainer's process are its own."""

SOURCE_OPTIONS = frozenset(SourceSettings.model_fields) - frozenset(CleaningSettings.model_fields) - {"full"}
PLACES = ("interactions", "items")
STDIN_REFUSED = (
    "- is the standard input of `check`, `plan` and `run --here`; a run of the trainer service has none: name a file or an address"
)
_STORES = ("s3", "s3a", "gs", "gcs", "az", "azure", "abfs", "abfss", "http", "https")
_MADE_UP = "synthetic:"
_DATABASE = re.compile(r"[a-z0-9+]+://[\w.@:-]+(/[\w.-]*)?", re.ASCII)  # what every reader of such an address takes alike
_HIDDEN_STEP = re.compile(r"[\x00-\x20\x7f\\]|%(2e|2f|5c|25|0)|/\.{1,2}(/|$)", re.IGNORECASE)
_PORTS = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306}
_SHOWN = 60


def refusal(settings: Settings, options: Mapping[str, object]) -> str:
    """Why a run may not have `options` in place of `settings`, which are the trainer's own; "" where it may."""
    asked = sorted(name for name in SOURCE_OPTIONS & options.keys() if options[name] != getattr(settings, name))
    if any(options.get(name) == STDIN for name in PLACES):
        return STDIN_REFUSED
    if not asked:
        return ""
    listed = words(settings.run_sources)
    if not listed:
        return (
            f"a run that is asked for reads the source that the trainer is set to, so it can't have {', '.join(asked)}; "
            f"{PREFIX}RUN_SOURCES names what else may be read"
        )
    for name in PLACES:
        place = without_events(str(options.get(name, getattr(settings, name))))[0]
        if place and (name in asked or name == "interactions") and not is_listed(place, listed):
            shown = place if len(place) <= _SHOWN else place[: _SHOWN - 1] + "…"
            return f"{name} {shown!r} is not among what {PREFIX}RUN_SOURCES names, so a run can't have {', '.join(asked)}"
    return ""


def is_listed(place: str, listed: list[str]) -> bool:
    """Whether one of the entries covers `place`: a path, an address or the name of a set."""
    return any(_covers(entry, place) for entry in listed)


def _covers(entry: str, place: str) -> bool:
    if place == entry or (entry == _MADE_UP and place.startswith(_MADE_UP)):
        return True
    scheme, mark, rest = place.partition("://")
    if not mark:
        return "://" not in entry and _inside(place, entry)
    if scheme in ("sqlite", "duckdb"):
        plain = rest.startswith("/") and not set("?#%") & set(rest)
        return plain and "://" not in entry and _inside(rest[1:], entry)
    try:
        wanted, given = urlsplit(entry), urlsplit(place)
        if scheme in _STORES:
            return not _HIDDEN_STEP.search(place) and _begins(wanted, given)
        return _DATABASE.fullmatch(place) is not None and _is_database(wanted, given)
    except ValueError:  # a port that is no number
        return False


def _inside(path: str, folder: str) -> bool:
    """Whether an absolute path is `folder`, or in it, after symlinks and `..`."""
    try:
        return Path(path).is_absolute() and Path(folder).is_absolute() and Path(path).resolve().is_relative_to(Path(folder).resolve())
    except (OSError, ValueError, RuntimeError):  # a loop of symlinks, a NUL
        return False


def _begins(wanted: SplitResult, given: SplitResult) -> bool:
    if (wanted.scheme, wanted.netloc.lower()) != (given.scheme, given.netloc.lower()) or given.fragment or "@" in given.netloc:
        return False
    if given.query and not given.scheme.startswith("http"):
        return False
    folder = wanted.path.rstrip("/")
    return given.path == folder or given.path.startswith(folder + "/")


def _is_database(wanted: SplitResult, given: SplitResult) -> bool:
    if (kind := _kind(wanted)) != _kind(given) or not given.hostname or wanted.hostname != given.hostname or given.password:
        return False
    usual = _PORTS.get(kind)
    if (wanted.port or usual) != (given.port or usual) or wanted.username not in (None, given.username):
        return False
    return wanted.path in ("", "/") or wanted.path == given.path


def _kind(address: SplitResult) -> str:
    name = address.scheme.partition("+")[0]
    return "postgresql" if name == "postgres" else name
