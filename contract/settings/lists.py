"""Settings of named lists: what a run computes besides users' lists, and what fills up a list that is too short."""

from __future__ import annotations

from typing import Literal, cast, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator

from contract.text import words

LIST_NAMES = ("popular", "trending", "new")
MAX_LISTS_DEPTH = 100_000


class ListSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    lists: str = Field(
        "popular,trending,new",
        description="Named lists that a run computes, by category and by segment, too: popular, trending, new; empty: none.",
    )
    lists_depth: int = Field(
        10_000, ge=10, le=MAX_LISTS_DEPTH, description="Items of a named list at the most; the popular list of all items is always whole."
    )
    trending_days: float = Field(30.0, gt=0, description="Window of the trending list: older interactions do not count.")
    trending_half_life_days: float = Field(7.0, gt=0, description="Half-life in days of an interaction in the trending list.")
    fallback: str = Field(
        "",
        description="Named lists that fill up lists shorter than k, and serve users without one, where a request does not say it: "
        "trending,popular in this order; empty: none.",
    )

    find_items: bool = Field(True, description="Whether items are found by words of their titles and by category: GET /items?q=.")
    find_users: bool = Field(
        False,
        description="Whether users are found by the beginning of their id: GET /users?prefix=; 70 bytes a user in Redis beside the id.",
    )

    audience_depth: int = Field(
        0,
        ge=0,
        le=1000,
        description="Users of each item that the trainer writes, those with the highest scores: GET /items/ID/users; 0: none.",
    )

    @field_validator("lists", "fallback")
    @classmethod
    def _known_lists(cls, value: str) -> str:
        names = words(value)
        if set(names) - set(LIST_NAMES) or len(names) != len(set(names)):
            raise ValueError(f"expected names of lists, each once, with commas between: {', '.join(LIST_NAMES)}")
        return value

    @property
    def fallback_chain(self) -> tuple[str, ...]:
        return tuple(words(self.fallback))


ColumnKind = Literal["number", "flag", "text", "texts"]
MAX_FILTER_COLUMNS = 16


def columns_of(text: str) -> dict[str, ColumnKind | None]:
    """What each column holds, None where that is to be found out. Raises ValueError."""
    parts = [part.partition(":") for part in words(text)]
    pairs = [(name.strip(), kind.strip()) for name, _, kind in parts]
    if bad := [name for name, kind in pairs if not name or kind not in ("", *get_args(ColumnKind))]:
        raise ValueError(f"{bad[0]!r}: expected a name, or a name and one of {', '.join(get_args(ColumnKind))}, as in price:number")
    if len(pairs) != len({name for name, _ in pairs}) or len(pairs) > MAX_FILTER_COLUMNS:
        raise ValueError(f"expected up to {MAX_FILTER_COLUMNS} columns, each named once")
    return {name: cast("ColumnKind | None", kind or None) for name, kind in pairs}
