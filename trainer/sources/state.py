"""The state from which a file is converted: all that its rows depend on, beside its bytes."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import trainer
from contract.settings.settings import SourceSettings
from trainer.rows.batches import Table
from trainer.sources.pieces import Piece
from trainer.sources.values.convert import Converter

_NOT_READING = frozenset(
    {
        *("interactions", "incremental", "full", "items", "users", "segment_column", "title_column", "filter_columns", "max_broken_rows"),
        *("duplicates", "min_user_interactions", "min_item_interactions", "max_user_interactions"),
    }
)
"""Settings that change nothing of how a file is converted."""

_LIBRARIES = ("polars", "numpy", "numba", "python-calamine", "zstandard")
"""That read files; "" where one is not installed."""


def state_of(part: Table, columns: Mapping[str, str], converter: Converter, source: SourceSettings) -> dict[str, Any]:
    """All that reading a file depends on, beside its bytes, as JSON has it."""
    head = 0
    if isinstance(part, Piece):  # what its file is taken for depends on the beginning of the file
        head, part = part.text.head_digest, part.table
    state = {
        "head": head,
        "columns": dict(columns),
        "names": [list(part.names), converter.named, dict(getattr(part, "own", {})), dict(getattr(part, "values", {}))],
        "table": type(getattr(part, "table", part)).__name__,
        "clock": None if converter.clock is None else asdict(converter.clock),
        "clocks": list(converter.problems.clocks),
        "several": converter.problems.several,
        "settings": source.model_dump(mode="json", exclude=set(_NOT_READING)),
        "Larder": _code(),
    }
    made: dict[str, Any] = json.loads(json.dumps(state))
    return made


@cache
def _code() -> str:
    """Larder's own way of reading, and the libraries': any change of them reads all anew."""
    digest = sha256(" ".join((sys.version, *map(_version, _LIBRARIES))).encode())
    house = Path(trainer.__file__).parent
    for room in (house.parent / "contract", *(house / name for name in ("sources", "rows", "interactions", "kept"))):
        for module in sorted(room.rglob("*.py")):
            digest.update(module.read_bytes())
    return digest.hexdigest()[:32]


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""
