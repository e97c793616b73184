"""Settings of new items: what metadata say of items that few people have met, or nobody."""

from __future__ import annotations

import math
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from contract.text import words


class ContentSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    new_items: float = Field(
        0.0,
        ge=0,
        le=1000,
        description="Users of an item at which they and its metadata count alike, 1 say: items that nobody has met yet are then listed by "
        "what they are like (docs/models.md); 0: off.",
    )
    new_items_gain: float = Field(
        1.0,
        gt=0,
        le=100,
        description="Factor of the scores that metadata give to new items: above 1 lists them more often, below 1 less often.",
    )
    explore: float = Field(
        0.0,
        ge=0,
        le=0.5,
        description="Share of the places of a list that goes to items which fewer users have met than new_items says: 0.1 is every tenth "
        "place (docs/models.md); 0: none.",
    )
    content_columns: str = Field(
        "",
        description="Columns of items that say what an item is like, with commas between them: texts, lists of texts, numbers, or one of "
        "vectors; empty: categories and title.",
    )

    @model_validator(mode="after")
    def _of_our_own_engine(self) -> Self:
        if self.new_items and getattr(self, "engine", "larder") == "recommenders":
            raise ValueError("the engine recommenders has SAR alone, which knows no metadata: with new_items use the engine larder")
        return self

    @model_validator(mode="after")
    def _knows_new_items(self) -> Self:
        if self.explore and not self.new_items:
            raise ValueError(
                f"explore is {self.explore:g}, and new_items, by which new items are known and scored, is off: set LARDER_NEW_ITEMS or "
                "--new-items, to 1 say, with metadata of items (docs/models.md), or explore to 0"
            )
        return self

    @property
    def explores_every(self) -> int:
        """Of so many places of a list the last one explores; 0: none does."""
        return math.ceil(1 / self.explore - 1e-9) if self.explore else 0

    @property
    def content_names(self) -> tuple[str, ...]:
        """content_columns, parsed."""
        return tuple(words(self.content_columns))
