"""What may be sent to POST /events, and what it answers."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from api.http.answer_models import AnswerModel
from contract.formats.incoming.event import EventRequest
from contract.formats.incoming.strict import RequestModel

MAX_EVENTS = 1000


class EventsRequest(RequestModel):
    events: list[Annotated[EventRequest | dict[str, Any], Field(union_mode="left_to_right")]] = Field(
        min_length=1, max_length=MAX_EVENTS, description="Events; one that is wrong keeps no other out."
    )


class EventProblem(AnswerModel):
    index: int = Field(ge=0, description="Which event of the request, from 0.")
    detail: str = Field(description="What is wrong with it, for people.")


class EventsAnswer(AnswerModel):
    """What came of each event."""

    accepted: int = Field(description="Events that are in the stream now.")
    repeated: int = Field(description="Events that had come before, by their `event_id`.")
    errors: list[EventProblem] = Field(description="Events that can't be taken; the others are.")
