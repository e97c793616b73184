"""Delta and Iceberg tables: folders whose log says which of their files count. They are read by that log, through their own libraries."""

from __future__ import annotations

import os
import re
from pathlib import Path

import polars as pl

from contract.errors import DataError
from contract.settings.drivers import how_to_install
from trainer.rows.problems import shortened
from trainer.sources.tables.typed import ScannedTable, first_line

_A = {"delta": "a Delta", "iceberg": "an Iceberg"}
_METADATA = re.compile(r"(?:v(\d+)|(\d+)-[0-9a-f-]+)(?:\.gz)?\.metadata\.json(?:\.gz)?")


def is_lake(name: str) -> bool:
    """Whether `name` is the folder of such a table, or a metadata file of Iceberg."""
    path = Path(name)
    try:
        return (path / "_delta_log").is_dir() or _is_metadata(path) or bool(_metadata_in(path / "metadata"))
    except PermissionError:  # whoever opens it says so
        return False


def open_lake(name: str) -> ScannedTable:
    """Raises DataError, with what to do, where the driver is missing or it is not certain what the table holds now."""
    path = Path(name)
    driver = "delta" if (path / "_delta_log").is_dir() else "iceberg"
    if missing := how_to_install(driver):
        raise DataError(f"{name} is {_A[driver]} table: {missing}")
    try:
        if driver == "delta":
            return ScannedTable(pl.scan_delta(name), name, counted=True)
        os.environ.setdefault("POLARS_ICEBERG_PLANNER", "pyiceberg")  # polars' own is another package, and it warns without it
        current = path if _is_metadata(path) else _current(path / "metadata")
        return ScannedTable(pl.scan_iceberg(str(current)), name, counted=True)
    except DataError:
        raise
    except Exception as error:  # noqa: BLE001 (two libraries' own errors)
        raise DataError(f"{name} can't be read as {_A[driver]} table: {shortened(first_line(error))}") from None


def refuse_remote(address: str) -> None:
    """Raises DataError for the folder of a Delta table in an object store: read without its log, removed rows would come back."""
    try:
        pl.scan_ndjson(f"{address.rstrip('/')}/_delta_log/*.json", infer_schema_length=1).head(1).collect()
    except Exception:  # noqa: BLE001 (no log, or a store that does not list: what is read next says it)
        return
    raise DataError(f"{address} is a Delta table, whose log says which files still count; copy it here, or name the files that count")


def _is_metadata(path: Path) -> bool:
    return path.is_file() and _METADATA.fullmatch(path.name) is not None


def _metadata_in(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if _is_metadata(path)] if folder.is_dir() else []


def _current(folder: Path) -> Path:
    """The newest metadata: what the hint of a table without a catalog names, else the one of the highest number, if there is only one."""
    by_number: dict[int, list[Path]] = {}
    for path in _metadata_in(folder):
        found = _METADATA.fullmatch(path.name)
        by_number.setdefault(int(found[1] or found[2]) if found else 0, []).append(path)
    hint, number = folder / "version-hint.text", max(by_number)
    if hint.is_file() and (text := hint.read_text().strip()).isdigit():
        number = int(text)
    newest = by_number.get(number, [])
    if len(newest) != 1:
        raise DataError(
            f"{folder.parent} is an Iceberg table with {len(newest)} metadata files of number {number}: name the one that its catalog "
            f"names, as in {folder}/{number:05}-....metadata.json"
        )
    return newest[0]
