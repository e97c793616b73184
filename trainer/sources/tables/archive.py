"""Zip archives: one table among their files, told apart from the workbooks that are zip archives, too."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePath

from contract.errors import DataError
from trainer.rows.column_names import names as shown_names
from trainer.sources.tables.file_kinds import LOOKED_AT, refuse_inside

_ENCRYPTED = 1
ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)
"""What zipfile raises for an archive that is damaged, of a method that Python lacks, or encrypted."""


def member_of(path: Path, wanted: str, is_table: Callable[[str], bool]) -> str:
    """The file of an archive that holds the table: `wanted`, or the only table. "" for a workbook. Raises DataError."""
    try:
        with zipfile.ZipFile(path) as archive:
            files = [one for one in archive.infolist() if not one.is_dir()]
            names = [one.filename for one in files]
            if "xl/_rels/workbook.xml.rels" in names or _opendocument(archive, names):
                return ""
            name = _the_table(path, names, wanted, is_table)
            if archive.getinfo(name).flag_bits & _ENCRYPTED:
                raise DataError(f"{path} is an archive with a password; pack it without one")
            with archive.open(name) as inner:
                refuse_inside(f"{path}, {PurePath(name).name}", inner.read(LOOKED_AT), "zip")
            return name
    except ERRORS as error:
        raise DataError(f"{path} can't be unpacked: {error}") from None


def _opendocument(archive: zipfile.ZipFile, names: list[str]) -> bool:
    return "mimetype" in names and b"opendocument.spreadsheet" in archive.read("mimetype")[:100]


def _the_table(path: Path, names: list[str], wanted: str, is_table: Callable[[str], bool]) -> str:
    if wanted:
        if wanted not in names:
            raise DataError(f"{path} has no file {wanted!r}; it has {shown_names(names)}")
        return wanted
    seen = [name for name in names if not any(part.startswith((".", "_")) for part in PurePath(name).parts)]
    tables = [name for name in seen if is_table(name)] or seen
    if len(tables) == 1:
        return tables[0]
    if not tables:
        raise DataError(f"{path} is a zip archive without a file")
    raise DataError(f"{path} is a zip archive of several files; name the one with the interactions by --sheet: {shown_names(tables)}")
