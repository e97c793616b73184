"""Settings of the source: where interactions come from, how they are read, and what is left out of them."""

from __future__ import annotations

import codecs
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from contract.settings.drivers import password_variable
from contract.settings.events import EventTypeSettings
from contract.settings.lists import ColumnKind, columns_of

EVENTS = "events:"
"""The events that POST /events has taken, in place of a file, or behind another source: `sales.parquet,events:`."""
STDIN = "-"
"""The standard input, in place of a file."""
TimeUnit = Literal["s", "ms", "us", "ns", "days", "excel", "julian", "ticks", "filetime", "apple"]


def without_events(interactions: str) -> tuple[str, bool]:
    """A source without the events behind it, "" where there is no other; and whether there are events."""
    if interactions == EVENTS:
        return "", True
    base = interactions.removesuffix(f",{EVENTS}")
    return base, base != interactions


IdSetting = Literal["auto", "integer", "text"]


class CleaningSettings(BaseModel):
    """What happens to rows that can't be used as they are. Every dropped row is counted by reason."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    duplicates: Literal["sum", "last", "max"] = Field(
        "sum",
        description="What to do with several interactions of a user with an item: add up their weights, or keep the last or the heaviest.",
    )
    future_times: Literal["drop", "keep"] = Field(
        "drop", description="What to do with interactions more than a day ahead of the clock. One of them would make all others look old."
    )
    unknown_events: Literal["drop", "error"] = Field(
        "drop", description="What to do with interactions of a type that event_weights does not name."
    )
    min_user_interactions: int = Field(1, ge=1, description="Users with fewer interactions are left out.")
    min_item_interactions: int = Field(1, ge=1, description="Items with fewer interactions are left out.")
    max_user_interactions: int = Field(0, ge=0, description="Users with more interactions are left out as robots; 0: no limit.")
    negative: Literal["seen", "drop"] = Field(
        "seen",
        description="What a weight of 0 or less means. seen: the user never gets the item. drop: the row is ignored.",
    )
    max_broken_rows: float = Field(0.05, ge=0, le=1, description="Share of unreadable rows above which a run refuses the source.")


class SourceSettings(EventTypeSettings, CleaningSettings):
    """Where interactions and items come from, and how to read them. `auto`: found out from the data, and said."""

    interactions: str = Field(
        "movielens-small",
        min_length=1,
        description="movielens-small, -100k, -1m, -10m, -20m; synthetic:USERSxITEMSxINTERACTIONS; a file, folder or glob of CSV, "
        "Parquet, Arrow, Avro, JSON lines or workbooks, here or in an object store (s3://); "
        "sqlite:///FILE, postgresql://USER@HOST/DB, and other databases with their driver; - for the standard input of "
        "check, plan and run --here; events: for those of POST /events, also behind another source, as in sales.parquet,events:.",
    )
    items: str = Field("", description="Item metadata (an id column, a title column), from the same kinds of file; empty: none of its own.")
    users: str = Field(
        "", description="A table of users (an id column, one of segments), from the same kinds of file, for lists by segment; empty: none."
    )
    segment_column: str = Field("auto", min_length=1, description="Column of segments, such as the country, in the users' file.")
    filter_columns: str = Field(
        "",
        description="Columns of the items that answers may be filtered by, with commas between, as in categories,price,brand; what one "
        "holds is found out, or said: price:number, sku:text, new:flag (true or false), tags:texts (lists); empty: no filters.",
    )
    sheet: str = Field("", description="Sheet of a workbook, or file in a zip archive, that holds the interactions; empty: the only one.")
    wide: bool = Field(False, description="The table is a matrix: a row for a user, a column for an item, weights in the cells.")
    baskets: bool = Field(False, description="A row holds a list of items: in one column or, without names of columns, in all fields.")
    item_separator: str = Field("auto", min_length=1, description="What separates the items of a basket within a text.")
    separator: str = Field("auto", min_length=1, max_length=8, description="Field separator of CSV files, as in ; or :: or \\t (a tab).")
    header: bool = Field(True, description="CSV files begin with a line of column names; else columns are named 1, 2, 3, ...")
    encoding: str = Field("auto", min_length=1, description="Encoding of CSV files, as in utf-8, cp1252, utf-16.")
    decimal: Literal[".", ","] = Field(".", description="Decimal mark of weights in CSV files.")
    missing: str = Field(
        "NA,N/A,#N/A,<NA>,NULL,null,(null),[NULL],<null>,None,NaN,nan,\\N",
        description="Values that mean a missing value, besides the empty one.",
    )
    user_column: str = Field("auto", min_length=1, description="Column of user ids.")
    item_column: str = Field("auto", min_length=1, description="Column of item ids.")
    user_id_type: IdSetting = Field(
        "auto", description="Type of user ids. integer: other ids are dropped. auto: integer where at least 99 of 100 ids are, else text."
    )
    item_id_type: IdSetting = Field("auto", description="Type of item ids, as for user ids.")
    weight_column: str = Field("auto", description="Column of weights; empty: every interaction weighs 1.")
    time_column: str = Field("auto", description="Column of times; empty: none, and no decay.")
    title_column: str = Field("title", min_length=1, description="Column of titles in the items file.")
    time_unit: TimeUnit | Literal["auto"] = Field(
        "auto",
        description="Unit of times that are numbers: s, ms, us, ns, days since 1970; excel (days since 1899-12-30), julian (days), ticks "
        "(.NET), filetime (Windows), apple (seconds since 2001).",
    )
    time_format: str = Field("", description="Format of times, as in %d/%m/%Y %H:%M, or %Y%m%d of numbers; empty: found out.")
    sql_query: str = Field("", description="Query whose rows are the interactions, where interactions is a database.")
    sql_table: str = Field(
        "", description="Table (or schema.table) whose rows are the interactions, in place of a query; a name with a dot in double quotes."
    )
    incremental: bool = Field(
        False, description="Runs keep what they have read of files, beside the artifacts, and read only what is new or has changed."
    )
    since_column: str = Field(
        "", description="A column of sql_table that only grows: runs keep what they have read, and ask only for what is not below its end."
    )
    full: bool = Field(False, description="Read all files and rows again, and ignore what earlier runs kept.")

    @property
    def filter_kinds(self) -> dict[str, ColumnKind | None]:
        """filter_columns, parsed: what each column holds, None where that is to be found out."""
        return columns_of(self.filter_columns)

    @property
    def missing_values(self) -> list[str]:
        return [value for value in self.missing.split(",") if value]

    @model_validator(mode="after")
    def _columns_differ(self) -> Self:
        if self.user_column == self.item_column != "auto":
            raise ValueError(f"user_column and item_column are both {self.user_column!r}")
        return self

    @model_validator(mode="after")
    def _one_shape(self) -> Self:
        if self.wide and (self.baskets or self.event_weights or self.target):
            raise ValueError("a matrix (wide) has neither baskets nor events (event_weights, target)")
        return self

    @model_validator(mode="after")
    def _one_way_to_weigh(self) -> Self:
        if self.event_weights and self.weight_column not in ("auto", ""):
            raise ValueError("weights come from weight_column or from event_weights, not from both")
        if self.event_column != "auto" and not (self.event_weights or self.target):
            raise ValueError("event_column needs event_weights, as in view=1,cart=3,buy=5, or a target, as in buy")
        return self

    @model_validator(mode="after")
    def _one_relation(self) -> Self:
        if self.sql_query and self.sql_table:
            raise ValueError("give sql_query or sql_table, not both")
        if self.since_column and not self.sql_table:
            raise ValueError("since_column needs sql_table; a view can stand for a query")
        scheme, mark, rest = self.interactions.partition("://")
        if mark and (":" in rest.partition("?")[0].rpartition("@")[0].partition("/")[0] or "password=" in rest):
            variable = password_variable(scheme)
            raise ValueError(f"interactions holds a password: leave it out of the {scheme} address and set {variable} in the environment")
        return self

    @field_validator("filter_columns")
    @classmethod
    def _known_kinds(cls, value: str) -> str:
        columns_of(value)
        return value

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            if value != "auto":
                "text".encode(value)  # refused by what encodes no text, such as base64
                value = codecs.lookup(value).name
        except (LookupError, ValueError):
            raise ValueError("expected an encoding of text that Python knows, as in utf-8, cp1252, latin-1, utf-16") from None
        return value

    @field_validator("separator", mode="before")
    @classmethod
    def _tab(cls, value: Any) -> Any:
        return "\t" if value == "\\t" else value

    @field_validator("separator")
    @classmethod
    def _ascii(cls, value: str) -> str:
        if not value.isascii() or {"\n", "\r", '"'} & set(value):
            raise ValueError("expected ASCII characters, and neither a quote nor an end of line")
        return value
