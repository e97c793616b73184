"""One shape for every error: problem details (RFC 9457) that also carry `"error"`, a fixed short text for programs.

status  error                     when
400     Invalid request data      no body, no JSON, not an object, a bad or unknown field or parameter
401     Unauthorized              a key is needed, or the one sent is not known
403     Forbidden                 the key does not open this route, no admin key is set, or a run may not read what it asks for
404     User not found            the user has no list in the current generation
404     Item not found            the current generation does not know the item
404     Generation not found      there is none of this id, or no lists of it any more
404     List not found            the current generation has no such list, or none of this category or segment
404     Run not found             there is none of this id, or it was more than a week ago
404     Not found                 no such route
405     Method not allowed        `Allow` says which are
408     Request timeout           it did not arrive in time; the connection is closed
409     No explanations           the run stored none
409     No filters                the items have no columns to filter by
409     No index                  the items, or the generation's users, have none to be found by
409     No similar items          the run stored none
409     Not possible now          the generation's state does not allow it
410     Generation gone           the lists of the generation that the request names are gone
413     Request body too large    more than 1 MiB
415     Unsupported media type    a content type that is not JSON
429     Too many requests         the key has sent as many as it may; `Retry-After`
429     Too many events           they wait to be written to files, and there is no room for more; `Retry-After`
500     Internal server error     a defect: logged once, with its trace; the answer has none
503     Nothing is promoted yet   train first; `Retry-After`
503     Store unavailable         Redis does not answer; `Retry-After`
503     Overloaded                no thread was free in time; `Retry-After`
503     Stopping                  readiness after SIGTERM; `Retry-After`
"""

from __future__ import annotations

import json
from http import HTTPStatus

from flask import Flask, Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from api.http.responses import NO_STORE
from contract.errors import NothingPromotedError, StoreError

INVALID = "Invalid request data"
MAX_BODY_BYTES = 2**20  # 1,000 ids of the greatest length, and what else may stand in a batch
MEDIA_TYPE = "application/problem+json"
RETRY_NOTHING_PROMOTED_S = 5
RETRY_STORE_S = 1
RETRY_OVERLOADED_S = 1
REFUSAL = "larder.refusal"  # in the environ: the RequestError that the server answers in place of the application
SEE_LOG = "The server met an error, which its log describes."
_TOO_LARGE = f"A body may have at most {MAX_BODY_BYTES} bytes."
_SHORT = {404: "Not found", 405: "Method not allowed", 413: "Request body too large", 415: "Unsupported media type"}


class RequestError(Exception):
    """The request can't be answered as it stands; `str(error)` says why, for people. `headers` go with the answer."""

    def __init__(self, detail: str, status: int = 400, error: str = INVALID, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.error = error
        self.headers = headers or {}


def unknown_user() -> RequestError:
    return RequestError("The current generation has no list for this user.", 404, "User not found")


def problem_json(error: RequestError) -> str:
    body = {"type": "about:blank", "title": HTTPStatus(error.status).phrase, "status": error.status, "detail": str(error)}
    return json.dumps(body | {"error": error.error}) + "\n"


def problem(error: RequestError) -> Response:
    headers = {"Cache-Control": NO_STORE, **error.headers}
    return Response(problem_json(error), error.status, headers, content_type=MEDIA_TYPE)


def sentence(text: str) -> str:
    """A message of ours as a sentence on its own: a capital at its start, but of nDCG, and one mark at its end."""
    first = text[:1] if text[1:2].isupper() else text[:1].upper()
    return f"{first}{text[1:]}{'' if text.endswith(('.', '?', '!')) else '.'}"


def store_unavailable(detail: str = "The store of lists does not answer; try again in a moment.") -> RequestError:
    return RequestError(detail, 503, "Store unavailable", {"Retry-After": str(RETRY_STORE_S)})


def body_too_large() -> RequestError:
    return RequestError(_TOO_LARGE, 413, _SHORT[413])


def request_timeout() -> RequestError:
    return RequestError("The request did not arrive in time.", 408, "Request timeout")


def overloaded() -> RequestError:
    return RequestError("No thread was free in time; try again in a moment.", 503, "Overloaded", {"Retry-After": str(RETRY_OVERLOADED_S)})


def stopping() -> RequestError:
    return RequestError("This process is stopping; ask another one.", 503, "Stopping", {"Retry-After": str(RETRY_OVERLOADED_S)})


def register(app: Flask) -> None:
    """Map errors to answers. An exception that is not named here reaches Flask, which logs it and makes it a 500."""
    app.register_error_handler(RequestError, problem)
    app.register_error_handler(NothingPromotedError, _nothing_promoted)
    app.register_error_handler(StoreError, lambda _error: problem(store_unavailable()))
    app.register_error_handler(HTTPException, _http_exception)


def _nothing_promoted(_error: NothingPromotedError) -> Response:
    headers = {"Retry-After": str(RETRY_NOTHING_PROMOTED_S)}
    return problem(RequestError("The first run has not finished; try again later.", 503, "Nothing is promoted yet", headers))


def _http_exception(error: HTTPException) -> Response:
    status = error.code or 500
    if status >= 500:
        return problem(RequestError(SEE_LOG, 500, "Internal server error"))
    allowed = ", ".join(sorted(error.valid_methods or ())) if isinstance(error, MethodNotAllowed) else ""
    # werkzeug's own words are for people with a browser.
    details = {
        404: "No route has this path.",
        405: f"This route answers {allowed} only.",
        413: _TOO_LARGE,
    }
    headers = {"Allow": allowed} if allowed else {}
    return problem(RequestError(details.get(status) or error.description or "", status, _SHORT.get(status, INVALID), headers))
