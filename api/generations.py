"""What is being served."""

from __future__ import annotations

from flask import Blueprint, Response

from api.store import Store


def blueprint(store: Store) -> Blueprint:
    routes = Blueprint("generations", __name__, url_prefix="/generations")

    @routes.get("/current")
    def current() -> Response:
        """The pointer as Redis has it now, not as it is cached: who asks wants to know whether a promotion has happened."""
        return Response(store.refresh().model_dump_json() + "\n", mimetype="application/json")

    return routes
