"""What may be asked: the models that validate requests, and that /openapi.json is made from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from contract.formats.incoming.strict import MAX_ID_LENGTH, ExternalId, RequestModel
from contract.settings.lists import LIST_NAMES

MAX_FILTER_CHARACTERS = 1000
MAX_SEARCH_CHARACTERS = 200
NO_FALLBACK = "none"
_NAME = "|".join(LIST_NAMES)
MAX_K = 3000  # the greatest depth that a run may store
MAX_EXCLUDED = 1000
MAX_EXCLUDED_BY_QUERY = 50
MAX_USERS = 1000
MAX_SESSION_ITEMS = 200
MAX_WEIGHT = 1e6


def whole(value: object) -> object:
    """3.0 is an integer in JSON Schema, so it is one here. Not in an id, of which nobody knows what was meant."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_K = Annotated[int, Field(ge=1, le=MAX_K), BeforeValidator(whole)]
_Offset = Annotated[int, Field(ge=0, le=MAX_K), BeforeValidator(whole)]


_WANTED = Field(None, description="Items wanted; that of the generation when not given.")
_FILTER = Field(
    None,
    description="Leaves what meets a condition, as in `categories = 'Drama' and price < 50`. docs/api.md has the grammar.",
    json_schema_extra={"minLength": 1, "maxLength": MAX_FILTER_CHARACTERS},
)


class ListOptions(RequestModel):
    """Which part of a list, and what with it."""

    k: _K | None = _WANTED
    offset: _Offset = Field(0, description="Items to skip, after exclusions.")
    exclude: list[ExternalId] = Field([], max_length=MAX_EXCLUDED, description="Items to leave out.")
    include: list[Literal["metadata"]] = Field([], max_length=8, description="What to add to each item.")
    filter: str | None = _FILTER


class ListQuery(ListOptions):
    """The same in a query, whose length is limited."""

    exclude: list[ExternalId] = Field([], max_length=MAX_EXCLUDED_BY_QUERY, description="Items to leave out; a POST takes more.")


_FALLBACK = rf"^(none|({_NAME})(,({_NAME})){{0,2}})$"
_Fallback = Annotated[
    str | None,
    Field(
        pattern=_FALLBACK,
        description="Named lists, with commas between, that fill up one that is shorter than k, and that a user without one gets, in place "
        "of a 404; `none`: not even those of `LARDER_FALLBACK`.",
    ),
]


class UserOptions(ListOptions):
    fallback: _Fallback = None
    explain: bool = Field(False, description="Say for each item which seen items made it. Needs a run with `explain_depth`.")


class UserQuery(UserOptions):
    """The same in a query."""

    exclude: list[ExternalId] = Field([], max_length=MAX_EXCLUDED_BY_QUERY, description="Items to leave out; a POST takes more.")


class UserRequest(UserOptions):
    user_id: ExternalId = Field(description="A user; a number and its text name the same one.")


class BatchRequest(UserOptions):
    user_ids: list[ExternalId] = Field(min_length=1, max_length=MAX_USERS, description="Users; each gets an answer, in this order.")


class NamedListQuery(ListQuery):
    fallback: _Fallback = None
    category: str | None = Field(None, min_length=1, max_length=MAX_ID_LENGTH, description="The list of this category's items.")
    segment: str | None = Field(None, min_length=1, max_length=MAX_ID_LENGTH, description="The list of this segment's users.")


class SessionItem(RequestModel):
    item_id: ExternalId = Field(description="An item that the visitor has met.")
    weight: float = Field(1.0, gt=0, le=MAX_WEIGHT, description="How strong that was, on the scale of the interactions.")


class SessionRequest(ListOptions):
    fallback: _Fallback = None
    items: list[SessionItem] = Field(min_length=1, max_length=MAX_SESSION_ITEMS, description="What the visitor has met.")


class ItemRequest(RequestModel):
    item_id: ExternalId = Field(description="An item.")


class ItemsQuery(RequestModel):
    """Without a field: all items."""

    item_id: ExternalId | None = Field(None, description="One item, as `GET /items/{item_id}` has it; no other field goes with it.")
    q: str | None = Field(
        None, min_length=1, max_length=MAX_SEARCH_CHARACTERS, description="Words of a title, the last perhaps unfinished."
    )
    category: str | None = Field(None, min_length=1, max_length=MAX_ID_LENGTH, description="Items of this category alone.")
    filter: str | None = _FILTER
    k: _K | None = _WANTED
    offset: _Offset = Field(0, description="Items to skip.")


class UsersQuery(RequestModel):
    prefix: str = Field(min_length=1, max_length=MAX_ID_LENGTH, description="What the texts of their ids begin with.")
    k: _K | None = Field(None, description="Users wanted; the k of the generation when not given.")
    after: ExternalId | None = Field(None, description="The `next` of the page before.")


class AudienceQuery(RequestModel):
    k: _K | None = Field(None, description="Users wanted; as many as were written when not given.")


class SimilarQuery(ListQuery):
    fallback: _Fallback = None


class SimilarRequest(SimilarQuery):
    item_id: ExternalId = Field(description="An item.")


class EraseRequest(RequestModel):
    user_id: ExternalId = Field(description="The user to erase.")


class HistoryQuery(RequestModel):
    limit: int = Field(100, ge=1, le=1000, description="Runs at the most, the newest ones.")


class AuditQuery(RequestModel):
    limit: int = Field(100, ge=1, le=1000, description="Changes at the most, the newest ones.")


class NoOptions(RequestModel):
    """A route without parameters of its query."""
