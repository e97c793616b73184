"""A table as CSV (RFC 4180, UTF-8), for people who open it in a spreadsheet and for programs.

A spreadsheet runs a text that begins with one of =, +, - and @ as a formula, and a source may have put one into a title. Such a text
gets an apostrophe in front. So does what follows a semicolon, a tab or a line end within a text, since some spreadsheets split there.
Numbers stay as they are.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from io import StringIO

from werkzeug.wrappers import Response

Cell = str | int | float | bool | None
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
_FORMULA = re.compile(r"(^|[;\t\r\n])(?=\s*[=+\-@＝＋－＠]|[\t\r\n])")


def csv_answer(name: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """Saved by a browser as `name`, which has to be plain ASCII without quotation marks."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(csv_text(columns, rows), headers=headers, content_type="text/csv; charset=utf-8")


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    text = StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([cell_text(cell) for cell in row] for row in rows)
    return text.getvalue()


def cell_text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, (int, float)):
        return repr(cell)
    return cell if _NUMBER.fullmatch(cell) else _FORMULA.sub(r"\1'", cell)
