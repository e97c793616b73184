"""Composition root of the API. gunicorn calls `create_app()` once, before it forks; tests pass settings and a store."""

from __future__ import annotations

import logging
import os

from flask import Flask

from api import errors, generations, health, recommendations
from api.store import Store
from contract.settings import Settings


def create_app(settings: Settings | None = None, store: Store | None = None) -> Flask:
    """The WSGI application; raises SettingsError for a bad environment. Redis is not asked before the first request."""
    if settings is None:
        settings = Settings.from_environ(os.environ)
    if store is None:
        store = Store.of(settings)
    logging.getLogger("api").setLevel(settings.log_level)
    app = Flask("api", static_folder=None)
    # One byte more than is allowed: of a chunked body werkzeug hands out what fits, and that byte tells that there was more.
    app.config.update(MAX_CONTENT_LENGTH=errors.MAX_BODY_BYTES + 1, PROVIDE_AUTOMATIC_OPTIONS=False)
    app.url_map.merge_slashes = False  # else werkzeug answers /users//x with a redirect, which is an HTML page
    for part in (recommendations, generations, health):
        app.register_blueprint(part.blueprint(store))
    errors.register(app)
    return app
