"""One shape for every error: problem details (RFC 9457) that also carry `"error"`, a fixed short text for programs.

status  error                     when
400     Invalid request data      no body, no JSON, not an object, a bad or unknown field or parameter
404     User not found            the user has no list in the current generation
404     Not found                 no such route
405     Method not allowed        `Allow` says which are
413     Request body too large    more than 64 KiB
415     Unsupported media type    a content type that is not JSON
500     Internal server error     a defect: logged once, with its trace; the answer has none
503     Nothing is promoted yet   train first; `Retry-After`
503     Store unavailable         Redis does not answer; `Retry-After`
"""

from __future__ import annotations

import json
from http import HTTPStatus

from flask import Flask, Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from api.store import NothingPromotedError, UnknownUserError
from contract.errors import StoreError

INVALID = "Invalid request data"
MAX_BODY_BYTES = 64 * 1024
MEDIA_TYPE = "application/problem+json"
RETRY_NOTHING_PROMOTED_S = 5
RETRY_STORE_S = 1
SEE_LOG = "The server met an error, which its log describes."
_SHORT = {404: "Not found", 405: "Method not allowed", 413: "Request body too large", 415: "Unsupported media type"}


class RequestError(Exception):
    """The request can't be answered as it stands; `str(error)` says why, for people."""

    def __init__(self, detail: str, status: int = 400, error: str = INVALID) -> None:
        super().__init__(detail)
        self.status = status
        self.error = error


def problem_json(status: int, error: str, detail: str) -> str:
    title = HTTPStatus(status).phrase
    return json.dumps({"type": "about:blank", "title": title, "status": status, "detail": detail, "error": error}) + "\n"


def problem(status: int, error: str, detail: str, retry_after_s: int | None = None) -> Response:
    response = Response(problem_json(status, error, detail), status, mimetype=MEDIA_TYPE)
    if retry_after_s is not None:
        response.headers["Retry-After"] = str(retry_after_s)
    return response


def register(app: Flask) -> None:
    """Map errors to answers. An exception that is not named here reaches Flask, which logs it and makes it a 500."""
    app.register_error_handler(RequestError, _request_error)
    app.register_error_handler(UnknownUserError, _unknown_user)
    app.register_error_handler(NothingPromotedError, _nothing_promoted)
    app.register_error_handler(StoreError, _store_away)
    app.register_error_handler(HTTPException, _http_exception)


def _request_error(error: RequestError) -> Response:
    return problem(error.status, error.error, str(error))


def _unknown_user(_error: UnknownUserError) -> Response:
    return problem(404, "User not found", "The current generation has no list for this user.")


def _nothing_promoted(_error: NothingPromotedError) -> Response:
    return problem(503, "Nothing is promoted yet", "The first run has not finished; try again later.", RETRY_NOTHING_PROMOTED_S)


def _store_away(_error: StoreError) -> Response:
    return problem(503, "Store unavailable", "The store of lists does not answer; try again in a moment.", RETRY_STORE_S)


def _http_exception(error: HTTPException) -> Response:
    status = error.code or 500
    if status >= 500:
        return problem(500, "Internal server error", SEE_LOG)
    allowed = ", ".join(sorted(error.valid_methods or ())) if isinstance(error, MethodNotAllowed) else ""
    # werkzeug's own words are for people with a browser.
    details = {
        404: "No route has this path.",
        405: f"This route answers {allowed} only.",
        413: f"A body may have at most {MAX_BODY_BYTES} bytes.",
    }
    response = problem(status, _SHORT.get(status, INVALID), details.get(status) or error.description or "")
    if allowed:
        response.headers["Allow"] = allowed
    return response
