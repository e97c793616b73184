"""An event as others send it: by POST /events, or as a message of a stream that is read."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field, PlainValidator
from pydantic_core import PydanticCustomError

from contract.formats.events import Event
from contract.formats.incoming.strict import ExternalId, RequestModel, is_text

MAX_WEIGHT = 1e6
AHEAD_S = 86_400  # a clock may be a day ahead, as that of a source may
_MILLISECONDS = 1e11  # as seconds: the year 5138
_WANTED = "must be epoch seconds, or a text as in 2026-01-31T12:00:00Z"


def _epoch_s(value: object) -> int:
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise PydanticCustomError("time", _WANTED) from None
        if moment.tzinfo is None:
            raise PydanticCustomError("time", "has no time zone: end it with Z for UTC, or with an offset as in +02:00")
        try:
            value = moment.timestamp()
        except (OverflowError, ValueError):
            raise PydanticCustomError("time", _WANTED) from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PydanticCustomError("time", _WANTED)
    if value > _MILLISECONDS:
        raise PydanticCustomError("time", "must be epoch seconds; this looks like milliseconds: divide it by 1000")
    if not 0 <= value <= time.time() + AHEAD_S:
        raise PydanticCustomError("time", "must lie between 1970 and a day ahead of now")
    return int(value)


def _text(value: str) -> str:
    if not is_text(value):
        raise PydanticCustomError("text", "must be text that UTF-8 can spell")
    return value


_Kind = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_text)]
_Name = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_text)]
_Time = Annotated[int, PlainValidator(_epoch_s, json_schema_input_type=float | str)]


class EventRequest(RequestModel):
    """One thing that a user did."""

    user_id: ExternalId = Field(description="Who; also somebody who has no list yet.")
    item_id: ExternalId = Field(description="With which item.")
    type: _Kind = Field("event", description="What it was, as in view, buy, dismiss.")
    time: _Time | None = Field(None, description="When: epoch seconds, or a text of ISO 8601 with its zone; now where it is not given.")
    weight: Annotated[float, Field(ge=-MAX_WEIGHT, le=MAX_WEIGHT, allow_inf_nan=False)] | None = Field(
        None, description="How strong it was, on the scale of the interactions; 0 or less: met, and not liked."
    )
    event_id: _Name | None = Field(None, description="By which it counts once, however often it is sent.")
    request_id: _Name | None = Field(None, description="`X-Request-ID` of the answer that it follows.")
    generation: _Name | None = Field(None, description="`generation` of that answer.")
    rank: Annotated[int, Field(ge=1, le=3000)] | None = Field(None, description="`rank` of the item in that answer.")

    def event(self, event_id: str, now: int) -> Event:
        when = now if self.time is None else self.time
        answer = (self.request_id or "", self.generation or "", self.rank)
        return Event(self.event_id or event_id, self.user_id, self.item_id, self.type, when, self.weight, *answer)
