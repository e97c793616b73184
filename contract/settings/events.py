"""Settings of events and impressions: types in a source, what people do between two runs, what they were shown, and how much may wait."""

from __future__ import annotations

import difflib
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from contract.settings.family import unfit_for_target
from contract.text import words

MIB = 2**20


class EventTypeSettings(BaseModel):
    """What the types of events in a source mean."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    event_column: str = Field("auto", min_length=1, description="Column of event types; read when event_weights or target is given.")
    event_weights: str = Field(
        "",
        description="Weight of each event type, as in view=1,cart=3,buy=5,refund=-5. 0 or less: the user does not like the item.",
    )
    target: str = Field(
        "",
        description="Type of the events that are recommended and measured, as in buy: the model learns what leads to them from events of "
        "all types, and what was only viewed may be listed (docs/models.md); empty: all types count alike, by event_weights.",
    )

    @property
    def weights_by_event(self) -> dict[str, float]:
        """event_weights, parsed."""
        pairs = (pair.rpartition("=") for pair in words(self.event_weights))
        return {name.strip(): float(weight) for name, _, weight in pairs}

    @field_validator("event_weights")
    @classmethod
    def _finite_weights(cls, value: str) -> str:
        for pair in words(value):
            name, _, weight = pair.rpartition("=")
            try:
                good = bool(name.strip()) and abs(float(weight)) < float("inf")
            except ValueError:
                good = False
            if not good:
                raise ValueError(f"{pair!r} is not of the form event=weight, as in view=1,cart=3,buy=5,refund=-5")
        return value

    @field_validator("target")
    @classmethod
    def _stripped(cls, value: str) -> str:
        return value.strip()

    @model_validator(mode="after")
    def _target_is_an_event(self) -> Self:
        if not self.target:
            return self
        weights = self.weights_by_event
        if weights and self.target not in weights:
            near = difflib.get_close_matches(self.target, list(weights), n=1)
            hint = f"; perhaps {near[0]!r} is meant" if near else ""
            raise ValueError(f"the target {self.target[:40]!r} is not among event_weights, which name {', '.join(weights)}{hint}")
        if weights.get(self.target, 1.0) <= 0:
            raise ValueError(f"the target {self.target[:40]!r} has a weight of 0 or less, which says that an item was not liked")
        if reason := unfit_for_target(self):
            raise ValueError(reason)
        return self


class EventSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    events: bool = Field(False, description="Turn POST /events on. The trainer service writes the events to files.")
    events_max_mb: float = Field(
        512.0,
        gt=0,
        description="What events that wait to be written, and ids by which repeats are known, may take in Redis, in MiB; then 429.",
    )
    events_max_age_s: int = Field(
        86_400, ge=1, description="Age of the oldest event that waits to be written from which POST /events is refused with 429."
    )
    events_write_s: float = Field(
        2.0, gt=0, le=3600, description="How long the trainer service waits before it writes more events to files."
    )
    events_keep_days: int = Field(0, ge=0, description="Files of events are deleted after this many days; 0: never.")
    fresh: bool = Field(True, description="Events change answers at once, and not only from the next run on. Needs LARDER_EVENTS.")
    fresh_days: int = Field(
        7, ge=1, le=365, description="How long what a user takes or turns down is kept for answers, since the last event."
    )
    fresh_items: int = Field(200, ge=1, le=10_000, description="Items of one user that are kept so, the newest.")
    fresh_looks: str = Field("impression,view,click", description="Types of events after which an item stays in the list, with commas.")
    events_repeat_s: int = Field(
        300,
        ge=1,
        le=86_400,
        description="How long POST /events recognises a repeated event_id, at the least. Runs never count a repeat from files.",
    )

    impressions: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Part of the answers with users' lists that are kept in files, to learn what became of them (larder outcomes): "
        "1 is all of them; 0: none.",
    )
    impressions_max_mb: float = Field(
        64.0, gt=0, description="MiB of Redis for shown lists that wait to be written. When it is full, further ones are dropped."
    )
    impressions_keep_days: int = Field(30, ge=1, le=3650, description="Files of lists that were shown are deleted after this many days.")
    outcomes_window_s: int = Field(
        86_400,
        ge=1,
        description="How long after an item was shown an event that names no request_id may belong to it, in seconds.",
    )
    outcomes_clicks: str = Field("click,view", description="Types of events that larder outcomes counts as clicks, with commas.")
    outcomes_conversions: str = Field(
        "",
        description="Types of events that larder outcomes counts as conversions; empty: all but clicks, impression, dismiss and dislike.",
    )

    @property
    def click_types(self) -> frozenset[str]:
        """outcomes_clicks, parsed."""
        return frozenset(words(self.outcomes_clicks))

    @property
    def conversion_types(self) -> frozenset[str]:
        """outcomes_conversions, parsed."""
        return frozenset(words(self.outcomes_conversions))

    @property
    def looks(self) -> frozenset[str]:
        """fresh_looks, parsed."""
        return frozenset(words(self.fresh_looks))

    @property
    def counts_at_once(self) -> bool:
        return self.events and self.fresh
