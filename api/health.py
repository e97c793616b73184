"""For orchestrators: is the process alive, and can it serve?"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from api.errors import RETRY_STORE_S, problem
from api.store import Store
from contract.errors import PayloadError


def blueprint(store: Store) -> Blueprint:
    routes = Blueprint("health", __name__, url_prefix="/health")

    @routes.get("/live")
    def live() -> Response:
        """Asks nothing of Redis: a restart of this process would not bring Redis back."""
        return jsonify(status="alive")

    @routes.get("/ready")
    def ready() -> Response:
        """Reads the pointer itself, not what is cached. StoreError and NothingPromotedError become a 503."""
        try:
            pointer = store.refresh()
        except PayloadError as error:
            return problem(503, "Store unavailable", str(error), RETRY_STORE_S)
        return jsonify(status="ready", generation=pointer.generation, trained_at=pointer.trained_at)

    return routes
