"""Settings of events: what people do between two runs, and how much of it may wait."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

MIB = 2**20


class EventSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    events: bool = Field(False, description="Whether POST /events is there, and the trainer service writes what comes to files.")
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
    events_keep_days: int = Field(0, ge=0, description="Files of events are deleted after so many days; 0: never.")
    events_repeat_s: int = Field(
        300,
        ge=1,
        le=86_400,
        description="For how long POST /events knows an event_id again at the least; files are read without repeats always.",
    )
