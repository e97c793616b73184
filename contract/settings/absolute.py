"""Paths in settings, made absolute: a service, or a later command, does not stand in the folder of whoever named them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from contract.settings.settings import PREFIX
from contract.settings.source import EVENTS, STDIN, without_events

T = TypeVar("T")
SOURCES = ("interactions", "items")
FILES = ("api_read_keys_file", "api_admin_keys_file", "api_write_keys_file", "api_keys_file", "manual")
FILE_OR_IDS = "exclude_items"
_SETS = re.compile(r"movielens-(small|100k|1m|10m|20m)|synthetic:.*")
_SQLITE = re.compile(r"((?:sqlite(?:\+\w+)?|duckdb):///)(?!/|file:|:memory:)(.+)")


def absolute_options(options: Mapping[str, T], folder: Path) -> dict[str, T | str]:
    """Settings by name, as a command line gives them; relative paths are those of `folder`."""
    return {name: _absolute(name, value, folder) if isinstance(value, str) and value else value for name, value in options.items()}


def absolute_variables(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The same of LARDER_ variables; other variables stay as they are."""
    return {
        name: _absolute(name.removeprefix(PREFIX).lower(), value, folder) if name.startswith(PREFIX) and value else value
        for name, value in environ.items()
    }


def _absolute(name: str, value: str, folder: Path) -> str:
    if name == "interactions" and (parts := without_events(value))[1]:
        return f"{_absolute(name, parts[0], folder)},{EVENTS}" if parts[0] else value
    if name in FILES or (name == FILE_OR_IDS and (folder / value).is_file()):
        return str(folder / value)
    if name not in SOURCES or value == STDIN or _SETS.fullmatch(value):
        return value
    if database := _SQLITE.fullmatch(value):
        return f"{database[1]}{folder / database[2]}"
    return value if "://" in value else str(folder / value)
