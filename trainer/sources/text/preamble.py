"""What may stand before the line of names in a CSV file: Excel's `sep=;`, comments, a title. It is left out, and said."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from contract.settings.settings import SourceSettings
from trainer.rows.problems import shortened
from trainer.sources.tables.columns import AUTO, KNOWN_NAMES, plain_name

LOOKED_AT = 20  # records among which the line of names is looked for
COMMENT = "#"
_SEPARATOR = re.compile(r'"?sep=([^\r\n])"?\s*', re.IGNORECASE)

Split = Callable[[str, str], list[str]]


@dataclass(frozen=True, slots=True)
class Preamble:
    """`at`: the record that comes after it. `separator`: the one that a line names, or ""."""

    at: int
    separator: str = ""
    notes: tuple[str, ...] = ()


def find(records: Sequence[str], source: SourceSettings, separators: Sequence[str], split: Split) -> Preamble:
    """What stands before the line of names (or, in a file without one, before the rows) of a file that begins with `records`."""
    filled = [at for at, record in enumerate(records) if record.strip()]
    least = [at for at in filled if not records[at].startswith(COMMENT)][:LOOKED_AT]
    filled = [at for at in filled if not least or at <= least[-1]]
    separator, notes = "", []
    if said := _SEPARATOR.fullmatch(records[filled[0]]):
        separator = said[1]
        notes.append(f"line {filled[0] + 1}, {shortened(said[0].strip())!r}, names the separator")
        filled = filled[1:]
    if not filled or not source.header:
        return Preamble(filled[0] if filled else len(records), separator, tuple(notes))
    wanted = [source.separator] if source.separator != AUTO else [separator] if separator else separators

    def width(record: str) -> int:
        """The most fields that make `record` a line of names; 0 if it is none."""
        among = [one for one in wanted if one != " "] if record.startswith(COMMENT) and len(wanted) > 1 else wanted  # a sentence has spaces
        fields = (split(record.lstrip(COMMENT + " "), one) for one in among)
        return max((len(names) for names in fields if are_names(names, source)), default=0)

    first = filled[0]
    names = next((at for at in filled if width(records[at])), None)
    if names is None:
        names = next((at for at in filled if not records[at].startswith(COMMENT)), first)
    elif not all(
        records[at].startswith(COMMENT) or _fields(records[at], wanted, split) < width(records[names]) for at in filled if at < names
    ):
        names = first  # what stands before it is as wide as the rows: data, perhaps
    if names != first:
        line = 1 + sum(1 + record.count("\n") for record in records[:names])
        notes.append(f"the names of columns stand on line {line:,}; what stands before is left out: {shortened(records[first].strip())!r}")
    return Preamble(names, separator, tuple(notes))


def _fields(record: str, separators: Sequence[str], split: Split) -> int:
    """The most fields with something in them."""
    used = [one for one in separators if one != " "] or [" "]
    return max(sum(bool(text.strip()) for text in split(record, one)) for one in used)


def are_names(names: Sequence[str], source: SourceSettings) -> bool:
    """Whether both ids are among them: by the names that the settings give, or by well-known ones."""
    bare = [name.strip() for name in names]
    asked = {"user": source.user_column, "item": source.item_column}
    return len(bare) > 1 and all(
        any(plain_name(name) in KNOWN_NAMES[role] for name in bare) if name == AUTO else name in bare for role, name in asked.items()
    )
