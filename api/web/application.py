"""The pages as a Flask application of their own, beside that of the API: other errors, other headers, and not one step more for a list."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import Flask, g, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from api.http.problems import RETRY_STORE_S, SEE_LOG, sentence
from api.http.route import PAGE, ROUTE
from api.http.versions import VERSIONED
from api.web import assets, sessions
from api.web.context import PageContext, PageRoute
from api.web.pages import cards, changes, compare, explorer, history, manual, outcomes, overview, reference, runbook
from api.web.views.formats import FILTERS
from contract import VERSION
from contract.errors import GenerationError, NothingPromotedError, PayloadError, StoreError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

USUAL = "larder"  # namespace of who has one stack alone: it tells nothing
POLICY = (
    "default-src 'none'; script-src 'self'; style-src {style}; img-src {images}; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_TITLES = {
    400: "This can't be asked",
    401: "A key is needed",
    403: "Not allowed",
    404: "There is no such page",
    405: "Not allowed",
    410: "These lists are gone",
}
# Kind of error, status, title, section of the runbook
_ERRORS: tuple[tuple[type[Exception], int, str, str], ...] = (
    (NothingPromotedError, 503, "Nothing is served yet", "nothing-promoted"),
    (StoreError, 503, "Redis does not answer", "store-away"),
    (PayloadError, 503, "What is stored can't be read", ""),
    (GenerationError, 404, "There is no such generation", ""),
)


def with_pages(api: WSGIApplication, context: PageContext) -> tuple[WSGIApplication, list[str]]:
    """`api`, and the pages in front of it: which of both answers is told by the first part of the path. And the paths of the pages."""
    pages = application(context)
    paths = [str(rule) for rule in pages.url_map.iter_rules()]
    firsts = {path.split("/")[1] for path in paths} - {""}

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path: str = environ["PATH_INFO"]
        if (path == "/" or path[1:].partition("/")[0] in firsts) and VERSIONED not in environ:
            environ[PAGE] = True
            return pages.wsgi_app(environ, start_response)
        return api(environ, start_response)

    return answer, paths


def application(context: PageContext) -> Flask:
    app = Flask("api.web", static_folder=None)
    app.config.update(PROVIDE_AUTOMATIC_OPTIONS=False)
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    app.jinja_env.filters.update(FILTERS)
    sessions.protect(app, context)
    paths: set[str] = set()
    for page in _pages(context, paths.__contains__):
        paths.add(page.path)
        app.add_url_rule(page.path, page.name, _view(context, page), methods=page.methods)
    app.context_processor(lambda: _common(context))
    policy = POLICY.format(style=assets.style()[1], images=" ".join(["'self'", *sorted(context.image_origins)]))
    app.after_request(partial(_headers, policy))
    for kind, status, title, slug in _ERRORS:
        app.register_error_handler(kind, partial(_problem, status, title, slug))
    app.register_error_handler(HTTPException, _http_problem)
    return app


def _pages(context: PageContext, is_page: Callable[[str], bool]) -> list[PageRoute]:
    return [
        *overview.pages(context, is_page),
        *explorer.pages(context),
        *cards.pages(context),
        *compare.pages(context),
        *history.pages(context),
        *outcomes.pages(context),
        *changes.pages(context),
        *runbook.pages(),
        *reference.pages(context),
        *manual.pages(context),
        *sessions.pages(context),
        *assets.pages(),
    ]


def _view(context: PageContext, page: PageRoute) -> Callable[..., Response | str]:
    def view(**arguments: str) -> Response | str:
        request.environ[ROUTE] = page.path
        g.access = sessions.access_here(context)
        instead = sessions.admit(context, page)
        return page.view(**arguments) if instead is None else instead

    return view


def _common(context: PageContext) -> dict[str, Any]:
    """What every template may ask for."""
    access = g.get("access", "open")
    return {
        "asset": assets.address,
        "style": assets.style()[0],
        "root": request.script_root,
        "access": access,
        "token": sessions.token() if access == "admin" else "",
        "has_manual": bool(context.settings.manual),
        "keeps_impressions": context.settings.impressions > 0,
        "person": sessions.user_here(),
        "has_admin_keys": context.api_keys.has_admin_keys or bool(context.settings.api_user_header and context.settings.api_admin_users),
        "needs_key": not context.api_keys.is_open,
        "release": VERSION,
        "place": context.settings.namespace if context.settings.namespace != USUAL else "",
    }


def _headers(policy: str, response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault("Content-Security-Policy", policy)
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    return response


def _problem(status: int, title: str, slug: str, error: Exception) -> Response:
    body = render_template("problem.html", title=title, detail=sentence(str(error)), status=status, slug=slug)
    headers = {"Retry-After": str(RETRY_STORE_S)} if status == 503 else {}
    return Response(body, status, headers, mimetype="text/html")


def _http_problem(error: HTTPException) -> Response:
    status = error.code or 500
    if status >= 500:
        return _problem(500, "This did not work", "", ValueError(SEE_LOG))
    found = _problem(status, _TITLES.get(status, "This did not work"), "", ValueError(error.description or ""))
    if valid := getattr(error, "valid_methods", None):
        found.headers["Allow"] = ", ".join(sorted(valid))
    return found
