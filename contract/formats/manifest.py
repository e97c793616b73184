"""What describes a generation: its manifest, in the artifact and in Redis, and the pointer that readers follow."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from contract.formats import payload
from contract.settings.settings import ModelSettings

FORMAT = 1
READABLE_FORMATS = (1,)
IdType = Literal["int", "str"]


UNSEALED = -1
"""In place of the checksum of an array that is being overwritten."""


class ArraySpec(BaseModel):
    """One array of an artifact: what its file must look like."""

    model_config = ConfigDict(frozen=True)

    dtype: str
    shape: tuple[int, ...]
    n_bytes: int
    crc32: int  # UNSEALED while it is overwritten


class Pointer(BaseModel):
    """The value of `current`: all that a reader needs to find and to describe a list, in one GET."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    generation: str
    n_user_buckets: int
    n_item_buckets: int
    user_id_type: IdType
    item_id_type: IdType
    payload_format: int
    items_revision: str
    n_users: int
    n_items: int
    k: int
    depth: int
    trained_at: str
    data_until: str | None
    sequence: int = 0
    newest: int = 0
    """The highest sequence that was ever promoted: what a rollback does not lower."""
    previous: str = ""
    similar_depth: int = 0
    explain_depth: int = 0
    events_until: str = ""
    """The newest event that its run has read, as an id of the stream; "" where it has read none."""
    lists: str = ""
    """Names of the named lists that there are, with commas between: no array, for an empty one comes back from Lua as an object."""
    finds_users: bool = False
    """Whether users are found by the beginning of their id."""

    audience_depth: int = 0
    """Users of each item, at the most, for whom it is; 0: no key holds any."""


class MovedPointer(Pointer):
    """What `current` holds after a promotion: readers follow it from a moment of Redis' clock on, which all of them reach together.

    By then each has read it, since it comes `settle_ms` later than the promotion, and nobody believes an older pointer for longer.
    """

    holds_from_ms: int = 0
    before: MovedPointer | None = None
    """What is served until then."""
    experiment: dict[str, Any] | None = None
    """What runs, as contract/experiments/definition.py reads it; None: everybody gets this generation's lists."""


class Manifest(BaseModel):
    """A run's immutable description of what it made."""

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    payload_format: int = payload.FORMAT
    generation: str
    digest: str = Field(description="sha256 over the cleaned interactions and the model settings")
    source: str
    trained_at: str = Field(description="UTC, ISO 8601")
    data_until: str | None = Field(description="time of the latest interaction, UTC, ISO 8601")
    data_since_s: int | None = Field(None, description="time of the earliest interaction, epoch seconds; None: no times, or nobody looked")
    n_users: int
    n_items: int
    n_interactions: int
    n_shards: int
    n_user_buckets: int
    n_item_buckets: int
    user_id_type: IdType
    item_id_type: IdType
    similarity_layout: Literal["dense", "sparse"]
    weight_min: float = Field(description="smallest affinity after decay: the lower end of the normalised scale")
    weight_max: float
    settings: ModelSettings
    evaluation: dict[str, Any] | None = Field(None, description="what trainer/evaluation/evaluate.py measured, or None")
    tuning: dict[str, Any] | None = Field(None, description="the tune that chose the settings (contract/formats/reports/tuned.py), or None")
    reading: dict[str, Any] = Field({}, description="how the source was read: rows, columns, what was assumed, what was left out and why")
    token: int = Field(
        0, description="of the right to train, where artifacts are in an object store: a holder of a later one may replace them"
    )
    erased: tuple[int, ...] = Field((), description="user_idx whose ids and rows have been overwritten; rising")
    lists: tuple[str, ...] = Field((), description="names of the named lists that were cooked")
    finds_users: bool = Field(False, description="whether ids of users are written so that they are found by their beginning")
    audience_depth: int = Field(0, description="users of each item, at the most, whom the trainer writes once all lists are there")
    arrays: dict[str, ArraySpec] = {}

    def with_arrays(self, arrays: dict[str, ArraySpec]) -> Self:
        return self.model_copy(update={"arrays": arrays})

    def pointer(self) -> Pointer:
        return Pointer(
            generation=self.generation,
            n_user_buckets=self.n_user_buckets,
            n_item_buckets=self.n_item_buckets,
            user_id_type=self.user_id_type,
            item_id_type=self.item_id_type,
            payload_format=self.payload_format,
            items_revision=self.generation,
            n_users=self.n_users - len(self.erased),
            n_items=self.n_items,
            k=self.settings.k,
            depth=self.settings.stored_depth,
            trained_at=self.trained_at,
            data_until=self.data_until,
            similar_depth=self.settings.similar_depth,
            explain_depth=self.settings.explain_depth,
            events_until=str(self.reading.get("events_until", "")),
            lists=",".join(self.lists),
            finds_users=self.finds_users,
            audience_depth=self.audience_depth,
        )
