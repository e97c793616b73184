"""Hello-worlds of the size of an answer with ten items: what the API is measured against."""

from __future__ import annotations

from flask import Flask, Response

BODY = "x" * 600


def hello() -> Flask:
    app = Flask("hello")

    @app.post("/recommendations")
    def answer() -> Response:
        return Response(BODY, mimetype="application/json")

    return app


def hello_middleware() -> Flask:
    """Behind all that the API has around its routes: request ids, metrics, gzip; and gunicorn writes its access log."""
    from api.metrics.counters import Metrics
    from api.serving.middleware import Middleware

    app = hello()
    app.wsgi_app = Middleware(app.wsgi_app, Metrics())  # type: ignore[method-assign]
    return app
