"""Delta and Iceberg tables: folders whose log says which of their files count. They are read by that log, through their own libraries."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

from contract.errors import DataError
from contract.settings.drivers import how_to_install
from trainer.rows.problems import shortened
from trainer.sources.tables.typed import ScannedTable, first_line

_A = {"delta": "a Delta", "iceberg": "an Iceberg"}
_ICEBERG = {
    "s3.endpoint": ("AWS_ENDPOINT_URL",),
    "s3.region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
    "s3.access-key-id": ("AWS_ACCESS_KEY_ID",),
    "s3.secret-access-key": ("AWS_SECRET_ACCESS_KEY",),
    "s3.session-token": ("AWS_SESSION_TOKEN",),
}
_PATTERN = re.compile(r"[*?\[]")
"""In an address that names the files that count, one by one."""
_FILE = re.compile(r"\.\w{1,8}(\.\w{1,4})?$")
"""At the end of what is a file, most likely; events.delta may be a folder."""
_STATUS = re.compile(r"status code: (\d{3})")
_NONE = "expanded paths were empty"  # polars' words for a pattern that nothing matches
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
    if (path / "_delta_log").is_dir():
        return _scanned("delta", name, lambda: pl.scan_delta(name))
    return _scanned("iceberg", name, lambda: pl.scan_iceberg(str(path if _is_metadata(path) else _current(path / "metadata"))))


def open_remote_lake(address: str) -> ScannedTable | None:
    """The same of an address in an object store; None where it is none. A folder of Parquet read without its log would bring back rows.

    Raises DataError as `open_lake`.
    """
    folder = address.rstrip("/")
    if _METADATA.fullmatch(folder.rpartition("/")[2]):
        return _scanned("iceberg", address, lambda: pl.scan_iceberg(folder, storage_options=_for_iceberg()))
    if _PATTERN.search(folder):
        return None
    if _has(f"{folder}/_delta_log/*.json"):
        return _scanned("delta", address, lambda: pl.scan_delta(folder, storage_options=_for_delta()))
    if found := _has(f"{folder}/metadata/*.metadata.json"):
        return _scanned("iceberg", address, lambda: pl.scan_iceberg(_newest_of(folder, found), storage_options=_for_iceberg()))
    return None


def _scanned(driver: str, name: str, scan: Callable[[], pl.LazyFrame]) -> ScannedTable:
    if missing := how_to_install(driver):
        raise DataError(f"{name} is {_A[driver]} table: {missing}")
    try:
        os.environ.setdefault("POLARS_ICEBERG_PLANNER", "pyiceberg")  # polars' own is another package, and it warns without it
        return ScannedTable(scan(), name, counted=True)
    except DataError:
        raise
    except Exception as error:  # noqa: BLE001 (two libraries' own errors)
        raise DataError(f"{name} can't be read as {_A[driver]} table: {shortened(first_line(error))}") from None


def _has(pattern: str) -> list[str]:
    """Addresses of the objects of a pattern.

    Raises DataError where the store does not say: what a table without its log would be read as has removed rows. Only who may read one
    file, and list nothing, is let through: in a folder, nothing else could be listed either.
    """
    try:
        every = pl.scan_ndjson(pattern, infer_schema_length=1, include_file_paths="address", ignore_errors=True)
        return sorted(every.select(pl.col("address").unique()).collect()["address"].to_list())
    except Exception as error:  # noqa: BLE001 (of any store's client)
        folder = pattern.rsplit("/", 2)[0]
        status = found[1] if (found := _STATUS.search(str(error))) else ""
        if _NONE in str(error) or status == "404":  # the latter: there is no such bucket, as what is read next says
            return []
        if status in ("401", "403") and _FILE.search(folder):
            return []
        raise DataError(
            f"{folder}: whether it is a table with a log can't be told, since {pattern} can't be listed ({shortened(first_line(error))}); "
            "without its log, rows that were removed would be read"
        ) from None


def _newest_of(folder: str, addresses: Sequence[str]) -> str:
    """Of the metadata files of a table in a store."""
    names = {address.rpartition("/")[2]: address for address in addresses}
    try:
        hint = str(pl.read_csv(f"{folder}/metadata/version-hint.text", has_header=False, infer_schema=False).item(0, 0))
    except Exception:  # noqa: BLE001 (a table with a catalog has none)
        hint = ""
    return names[_newest([name for name in names if _METADATA.fullmatch(name)], hint, folder)]


def _for_delta() -> dict[str, str] | None:
    """What the Delta library does not take from the environment by itself."""
    return {"aws_allow_http": "true"} if os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://") else None


def _for_iceberg() -> dict[str, str]:
    """What the environment says to other clients, as pyiceberg calls it."""
    return {option: value for option, names in _ICEBERG.items() if (value := next(filter(None, map(os.environ.get, names)), ""))}


def _is_metadata(path: Path) -> bool:
    return path.is_file() and _METADATA.fullmatch(path.name) is not None


def _metadata_in(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if _is_metadata(path)] if folder.is_dir() else []


def _current(folder: Path) -> Path:
    """The newest metadata: what the hint of a table without a catalog names, else the one of the highest number, if there is only one."""
    names = [path.name for path in _metadata_in(folder)]
    hint = folder / "version-hint.text"
    return folder / _newest(names, hint.read_text() if hint.is_file() else "", str(folder.parent))


def _newest(names: Sequence[str], hint: str, table: str) -> str:
    by_number: dict[int, list[str]] = {}
    for name in names:
        found = _METADATA.fullmatch(name)
        by_number.setdefault(int(found[1] or found[2]) if found else 0, []).append(name)
    number = int(hint) if hint.strip().isdigit() else max(by_number)
    newest = by_number.get(number, [])
    if len(newest) != 1:
        raise DataError(
            f"{table} is an Iceberg table with {len(newest)} metadata files of number {number}: name the one that its catalog "
            f"names, as in {table}/metadata/{number:05}-....metadata.json"
        )
    return newest[0]
