"""What answers look like: for /openapi.json and the tests. Answers themselves are written as text (api/answers/json_text.py)."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt, StrictStr

IDS, GENERATION, ARM = "ids", "generation", "arm"
AnyId = StrictInt | StrictStr
ListName = Literal["popular", "trending", "new"]


class AnswerModel(BaseModel):
    model_config = ConfigDict(extra="forbid")

    parameters: ClassVar[tuple[str, ...]] = ()
    """Of the query, which any route with this answer takes: IDS where it names users or items, GENERATION and ARM where it has lists."""


class Problem(AnswerModel):
    """Every error: problem details (RFC 9457) with a fixed short text for programs."""

    type: Literal["about:blank"]
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="What is wrong with this request, for people.")
    error: str = Field(description="What is wrong, always in the same words.")


class Reason(AnswerModel):
    item_id: AnyId = Field(description="An item that the user has seen.")
    share: StrictFloat | StrictInt = Field(description="Its part of the score before normalisation, below 0 where it takes away.")


class Item(AnswerModel):
    item_id: AnyId = Field(description="As a number or a string, as in the interactions.")
    score: StrictFloat | StrictInt = Field(description="The model's value of the item.")
    rank: int = Field(ge=1, description="Position in the list after exclusions, from 1.")
    metadata: dict[str, Any] = Field({}, description="With `include=metadata`.")
    boosted: StrictFloat | StrictInt = Field(1, description="With `explain`: the factor in its score that a rule has set; not there for 1.")
    prior: StrictFloat | StrictInt = Field(
        0, description="With `explain`: the part of the score that the prior has, which is the same for all users; not there for 0."
    )
    source: ListName | Literal["exploration"] = Field(
        "popular", description="The named list that an item comes from, where it fills up another; `exploration`: a new item to try."
    )
    arm: str = Field(
        "", description="While an experiment interleaves two lists: the arm whose pick it is; not there for an item that is nobody's."
    )
    because: list[Reason] = Field([], description="With `explain`: the seen items that made it, strongest first.")


class OfGeneration(AnswerModel):
    generation: str = Field(description="What run made this.")
    trained_at: str = Field(description="When, in UTC.")
    data_until: str | None = Field(description="Time of the latest interaction, in UTC.")


class Listed(AnswerModel):
    parameters: ClassVar[tuple[str, ...]] = (IDS, GENERATION, ARM)

    items: list[Item] = Field(description="Best first.")
    short: Literal[True] = Field(True, description="Stands there when fewer than k items are left of what is stored.")
    passed: int = Field(0, ge=0, description="With `filter`, beside `short`: items that passed it, on all pages.")
    beyond: Literal[True] = Field(
        True, description="Stands there when `offset` is at or beyond the end of what is stored: no page comes after."
    )
    arm: str = Field("", description="While an experiment runs: the arm that the user is in, or that the request names.")


class UserList(Listed):
    user_id: AnyId = Field(description="As a number or a string, as in the interactions.")
    source: Literal["personalized"] | ListName = Field(description="The name of a list where nothing is of the user's own.")
    freshness: Literal["generation", "event"] = Field(
        "generation", description="With `LARDER_EVENTS`: `event`: what the user did since the generation was made counts in it."
    )
    fresh_at: str = Field("", description="With `event`: when the newest event that counts came, in UTC.")


class ListAnswer(UserList, OfGeneration):
    """One user's list."""


class UserProblem(AnswerModel):
    user_id: AnyId
    problem: Problem


class BatchAnswer(OfGeneration):
    """Lists and errors, in the order of the users asked for. While an experiment runs, each list says what generation it is of."""

    parameters: ClassVar[tuple[str, ...]] = (IDS, GENERATION, ARM)

    arm: str = Field("", description="The arm that the request names.")
    results: list[ListAnswer | UserList | UserProblem]


class SessionAnswer(Listed, OfGeneration):
    """A visitor's list."""

    source: Literal["session"] | ListName = Field(description="The name of a list where nothing is similar, and a fallback was asked for.")
    unknown_items: list[AnyId] = Field(description="Items of the request that nothing is similar to.")


class SimilarAnswer(Listed, OfGeneration):
    """What is like an item; scores are similarities."""

    item_id: AnyId


class PopularAnswer(Listed, OfGeneration):
    """What most users met; scores are numbers of interactions."""

    source: Literal["popular"]


class NamedListAnswer(Listed, OfGeneration):
    """A named list: scores are numbers of users, of users who count less with time, or days since 1970."""

    source: ListName
    category: str | None = Field(None, description="As asked for.")
    segment: str | None = Field(None, description="As asked for.")


class ItemAnswer(OfGeneration):
    """An item."""

    parameters: ClassVar[tuple[str, ...]] = (IDS,)

    item_id: AnyId
    available: bool = Field(description="false: it is in no list until it is available again.")
    metadata: dict[str, Any]


class FoundItem(AnswerModel):
    item_id: AnyId
    rank: int = Field(ge=1, description="Position among all that was found, from 1.")
    metadata: dict[str, Any]


class FoundItems(OfGeneration):
    """Items that were found by their title or category."""

    parameters: ClassVar[tuple[str, ...]] = (IDS,)

    items: list[FoundItem] = Field(description="Best first.")
    corrected: Literal[True] = Field(
        True, description="Stands there when no title has the words as they are, so that one letter was changed."
    )
    short: Literal[True] = Field(True, description="Stands there when fewer than k items are left.")
    beyond: Literal[True] = Field(True, description="Stands there when `offset` is at or beyond the end, so that no page comes after.")
    partial: Literal[True] = Field(True, description="Stands there when fewer than k were found among as many as are looked at.")


class FoundUsers(OfGeneration):
    parameters: ClassVar[tuple[str, ...]] = (IDS, GENERATION)

    user_ids: list[AnyId] = Field(description="In the order of the bytes of their texts.")
    next: str = Field("", description="Stands there when there are more: `after` of the next page.")


class Member(AnswerModel):
    user_id: AnyId
    score: float = Field(description="Of the item in the user's list.")
    rank: int


class Audience(OfGeneration):
    parameters: ClassVar[tuple[str, ...]] = (IDS, GENERATION)

    item_id: AnyId
    users: list[Member] = Field(description="In whose stored lists the item has the highest scores; those of one score by their ids.")


class Live(AnswerModel):
    status: Literal["alive"]


class Ready(OfGeneration):
    status: Literal["ready", "stale"] = Field(description="`stale`: older than `LARDER_STALE_AFTER_S`.")
