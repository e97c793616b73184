"""What an offline evaluation says of lists besides how much they find; trainer/evaluation/beyond.py has the formulas."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Third = Literal["least", "middle", "most"]


class Beyond(BaseModel):
    """Figures of the lists of one model at k; six decimals."""

    model_config = ConfigDict(frozen=True)

    gini: float = Field(description="how unevenly items are listed: 0, all alike, to 1, one item alone")
    popularity: float = Field(description="mean part of the users who have a listed item")
    long_tail: float = Field(description="part of the places that go to items beyond those with four fifths of the interactions")
    novelty: float = Field(description="mean of -log2 of the part of the users who have a listed item: bits")
    diversity: float = Field(description="1 - the mean cosine of two items of a list")
    serendipity: float = Field(description="part of the places that are found and not in the list of popularity")


class UserThird(BaseModel):
    """A third of the evaluated users, by their number of interactions."""

    model_config = ConfigDict(frozen=True)

    n: int
    ndcg: float
    recall: float
    ndcg_error: float | None = Field(None, description="standard error of `ndcg`; None: an older version measured, or a single user")


class ItemThird(BaseModel):
    """A third of the items, by their number of interactions. `wanted`: part of the pairs that were to be found; `recall`: found, of those;
    `listed`: part of the places."""

    model_config = ConfigDict(frozen=True)

    n: int
    wanted: float
    recall: float
    listed: float


class Segments(BaseModel):
    model_config = ConfigDict(frozen=True)

    users: dict[Third, UserThird]
    items: dict[Third, ItemThird]
