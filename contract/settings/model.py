"""Groups of settings: what decides the numbers, where data come from, what a new generation must hold."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from contract.settings.content import ContentSettings
from contract.settings.family import FamilySettings
from contract.text import words

MIN_HALF_LIFE_DAYS = 0.001
MIN_BOOST, MAX_BOOST = 0.01, 100.0

Similarity = Literal[
    "jaccard", "lift", "cosine", "inclusion index", "mutual information", "lexicographers mutual information", "cooccurrence"
]


class ModelSettings(FamilySettings, ContentSettings):
    """What decides the numbers: two runs with the same of these on the same interactions make the same lists."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: Literal["larder", "recommenders", "spark"] = Field(
        "larder",
        description="What fits: Larder, the library recommenders (sar alone), or Larder's kernels in tasks of Spark (docs/spark.md).",
    )
    similarity: Similarity = Field("jaccard", description="Item-item similarity of sar, from co-occurrence counts.")
    time_decay_days: float = Field(30.0, ge=0, description="Half-life of a weight of sar in days; 0 turns decay off.")
    normalize: bool = Field(
        True,
        description="Map scores to the scale of the weights, as SAR's normalize does. For sar only.",
    )
    threshold: int = Field(1, ge=1, description="Co-occurrences of sar below this count as none.")
    neighbors: int = Field(0, ge=0, le=10_000, description="Keep each item's N strongest other items; 0 keeps all (docs/models.md).")
    exclude_seen: bool = Field(True, description="Leave out items that the user has interacted with, or, with a target, has taken.")
    k: int = Field(10, ge=1, le=1000, description="Items in an answer when the request names no k.")
    depth: int = Field(
        0, ge=0, le=3000, description="Items stored for a user; 0: 3 times k, so that a list stays full when a request excludes items."
    )
    similar_depth: int = Field(
        30, ge=0, le=1000, description="Similar items stored for an item; 0: none, and the routes of similar items answer 409."
    )
    explain_depth: int = Field(
        0, ge=0, le=1000, description="Seen items that are stored with each recommended item as its reasons; 0 stores none."
    )
    exclude_items: str = Field("", description="Items that are never recommended: ids with commas between them, or a file, one id a line.")
    exclude_categories: str = Field("", description="Categories, with commas between them, whose items are never recommended.")
    max_per_category: int = Field(0, ge=0, le=3000, description="Items of one category in a user's list, at the most; 0: any number.")
    boosts: str = Field("", description="Factors of the scores of a category's items, as in Horror=0.5,New=1.2.")

    diversity: float = Field(
        0.0,
        ge=0,
        le=1,
        description="How far an item moves down for being like those above it. 0: not at all; 1: likeness alone decides (docs/models.md).",
    )
    popularity_penalty: float = Field(
        0.0,
        ge=0,
        le=2,
        description="Scores are divided by this power of an item's number of users, as in 0.1; 0: no penalty (docs/models.md).",
    )

    @field_validator("time_decay_days")
    @classmethod
    def _half_life_of_a_minute(cls, value: float) -> float:
        if 0 < value < MIN_HALF_LIFE_DAYS:
            raise ValueError(f"a half-life is in days, {MIN_HALF_LIFE_DAYS:g} at the least; 0 turns decay off")
        return value

    @field_validator("boosts")
    @classmethod
    def _factors(cls, value: str) -> str:
        boosts_of(value)
        return value

    @model_validator(mode="after")
    def _depth_holds_k(self) -> Self:
        if self.depth and self.depth < self.k:
            raise ValueError(f"depth is {self.depth}, less than k = {self.k}; store at least k, better 3 k")
        if self.explores_every > self.stored_depth:
            raise ValueError(
                f"explore is {self.explore:g}, one place in {self.explores_every:,}, and a list stores {self.stored_depth:,}: "
                "explore more, or store more by depth"
            )
        return self

    @property
    def stored_depth(self) -> int:
        return self.depth or 3 * self.k

    @property
    def excluded_categories(self) -> frozenset[str]:
        return frozenset(words(self.exclude_categories))

    @property
    def boost_of(self) -> dict[str, float]:
        """Factor by category."""
        return boosts_of(self.boosts)


def boosts_of(text: str) -> dict[str, float]:
    """`Horror=0.5,New=1.2` as factors by category; raises ValueError for what is not of that form."""
    factors: dict[str, float] = {}
    for part in words(text):
        name, sign, number = part.rpartition("=")
        try:
            factor = float(number)
        except ValueError:
            factor = 0.0
        if not (sign and name.strip() and MIN_BOOST <= factor <= MAX_BOOST):
            raise ValueError(f"{part!r} is no category=factor with a factor from {MIN_BOOST:g} to {MAX_BOOST:g}")
        if name.strip() in factors:
            raise ValueError(f"{name.strip()!r} stands twice")
        factors[name.strip()] = factor
    return factors


class GateSettings(BaseModel):
    """What a new generation must hold against the current one before it is promoted (trainer/evaluation/gate.py, lua/promote.lua)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gate_max_metric_drop: float = Field(
        0.10,
        ge=0,
        le=1,
        description="Largest relative drop of a ranking metric, beyond chance: 0.1 is 10 %; 1: the check is off.",
    )
    gate_popularity: Literal["off", "warn", "refuse"] = Field(
        "refuse", description="What to do with a model that popularity alone beats; where nothing is served yet, refuse warns."
    )
    gate_max_users_drop: float = Field(0.10, ge=0, le=1, description="Share of the current users that may be missing from the new lists.")
    gate_max_items_drop: float = Field(0.10, ge=0, le=1, description="Share of the current items that may be missing from the new lists.")
    gate_max_rows_drop: float = Field(0.30, ge=0, le=1, description="Share of the current interactions that may be missing.")
    gate_max_known_items_drop: float = Field(
        0.01, ge=0, le=1, description="Share of the items with 10 users or more that may vanish at once; 1: the check is off."
    )
    gate_max_fill_drop: float = Field(0.10, ge=0, le=1, description="Largest relative drop of the average length of lists.")
    gate_max_data_age_days: float = Field(
        0.0, ge=0, description="A run is refused if its newest interaction is older than this many days; 0: no limit."
    )
    evaluate: bool = Field(True, description="Measure the model on held-out interactions before it is promoted.")
    evaluate_users: int = Field(
        5000, ge=100, description="Users whose held-out interactions are measured; all users where there are fewer."
    )
