"""What a route is: the one description that Flask routes by, and that /openapi.json is made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from flask import Response
from pydantic import BaseModel

from api.http.answer_models import AnswerModel
from api.http.versions import Deprecation
from contract.formats.incoming.strict import RequestModel

Access = Literal["open", "read", "write", "admin"]
ROUTE = "larder.route"
"""In the environ: the path of the route that answered, as it was declared."""
PAGE = "larder.page"
"""In the environ of a request that a page for people answers, which no other origin may read."""


@dataclass(frozen=True, slots=True)
class Route:
    """`answer` describes the JSON of a success, or names the media type of what is none. `errors` are the statuses that only some have."""

    method: str
    path: str
    view: Callable[..., Response]
    summary: str
    answer: type[BaseModel] | str
    query: type[RequestModel] | None = None
    body: type[RequestModel] | None = None
    body_optional: bool = False
    status: int = 200
    errors: tuple[int, ...] = ()
    access: Access = "read"
    tag: str = "Lists"
    deprecated: Deprecation | None = None
    or_else: type[BaseModel] | None = None
    """What a success has in place of `answer` where the query asks for it."""

    @property
    def shared_parameters(self) -> tuple[str, ...]:
        """Those of the query that its answer brings, in front of those of the query's own model."""
        return self.answer.parameters if isinstance(self.answer, type) and issubclass(self.answer, AnswerModel) else ()

    @property
    def name(self) -> str:
        """Unique: the endpoint in Flask, the operation in OpenAPI."""
        words = [word.strip("<>") for word in self.path.strip("/").replace("-", "_").replace(".", "_").split("/")]
        return "_".join([self.method.lower(), *words])
