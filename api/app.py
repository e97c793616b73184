"""Composition root of the API. gunicorn calls `create_app()` once, before it forks; tests pass settings and a store."""

from __future__ import annotations

import logging
import os
from functools import partial
from typing import Any

from flask import Flask

from api.http import openapi
from api.http import problems as errors
from api.http.api_keys import ApiKeys
from api.http.responses import Caching
from api.http.route import Route
from api.lists.breaker import Breaker
from api.lists.clients import Clients
from api.lists.cluster.clients import clients_of
from api.lists.store import Store
from api.metrics.arm_sender import ArmSender
from api.metrics.collector import RedisCollector
from api.metrics.counters import Metrics
from api.routes import audit, batch, events, finding, generations, health, items, lists, recommendations, session
from api.routes import docs as docs_page
from api.routes import metrics as monitoring
from api.routes import runs as jobs
from api.routes.viewing import view_of
from api.serving.cors import Cors
from api.serving.middleware import Middleware
from api.serving.plain.fast_lane import FastLane
from api.serving.plain.parts import ARMS, PLAIN, SENDER, TENANTS, PlainParts
from api.serving.proxy_headers import behind_proxy, own_paths
from api.tenants.by_tenant import BEGINS, OF_PROCESS, ByTenant
from api.tenants.metrics import TenantMetrics
from api.web.application import with_pages
from api.web.context import PageContext
from contract.settings.settings import Settings
from contract.tenants.file import TenantsFile
from contract.tenants.tenant import Tenant


def create_app(settings: Settings | None = None, store: Store | None = None, metrics: Metrics | None = None) -> Flask:
    """The WSGI application; raises SettingsError for a bad environment. Redis is not asked before the first request."""
    if settings is None:
        settings = Settings.from_environ(os.environ)
        if settings.tenants:
            return _app_of_tenants(settings)
    if store is None:
        store = Store.of(settings)
    api_keys = ApiKeys.of(settings)
    logging.getLogger("api").setLevel(settings.log_level)
    app = Flask("api", static_folder=None)
    app.config.update(PROVIDE_AUTOMATIC_OPTIONS=False)
    app.url_map.merge_slashes = False  # else werkzeug answers /users//x with a redirect, which is an HTML page
    metrics = metrics or Metrics()
    store.fallback = settings.fallback_chain
    store.breaker.count = metrics.round_trips.inc
    api_keys.count = metrics.key_request
    queue = store.breaker if settings.rq_url == settings.redis_url else queue_of(settings)
    routes = all_routes(settings, store, metrics, queue, api_keys)
    for route in routes:
        app.add_url_rule(route.path, route.name, view_of(route, api_keys.check(route.access), store), methods=[route.method])
    errors.register(app)
    caching = Caching(settings.api_max_age_s)
    lane = FastLane(store, caching, api_keys)
    lane.count_arm = metrics.arm
    pages, page_paths = with_pages(app.wsgi_app, PageContext(settings, store, queue, api_keys, metrics, partial(openapi.document, routes)))
    middleware = _middleware(app, settings, metrics, pages, metrics, lane.answer, Cors.of(settings))
    paths = own_paths([*page_paths, *(route.path for route in routes)])
    app.wsgi_app = behind_proxy(middleware, settings, paths)  # type: ignore[method-assign, assignment]
    app.extensions[ARMS] = arms = ArmSender(settings, metrics, store.pointers)
    metrics.broken = arms.broken
    app.extensions[PLAIN] = PlainParts(lane, middleware, app.wsgi_app, store.breaker, store.pointers)
    return app


def _app_of_tenants(settings: Settings) -> Flask:
    """All tenants' lists through one pool of connections."""
    metrics, clients = Metrics(), clients_of(settings.redis_url)

    def make(tenant: Tenant) -> Flask:
        return _behind_the_proxy(create_app(tenant.settings, Store.of(tenant.settings, clients), TenantMetrics(metrics)))

    app = _behind_the_proxy(create_app(settings, metrics=metrics))
    tenants = ByTenant(app.wsgi_app, TenantsFile(settings.tenants, os.environ), make)
    app.extensions[TENANTS] = tenants
    app.wsgi_app = behind_proxy(tenants, settings, own_paths([BEGINS, *OF_PROCESS]))  # type: ignore[method-assign, assignment]
    return app


def _behind_the_proxy(app: Flask) -> Flask:
    """One of several applications: the path that a proxy has put before all of them is taken off once, before a tenant is looked for."""
    parts: PlainParts = app.extensions.pop(PLAIN)  # which looks at no tenant
    app.wsgi_app = parts.middleware  # type: ignore[method-assign]
    return app


def all_routes(settings: Settings, store: Store, metrics: Metrics, queue: Breaker, api_keys: ApiKeys) -> list[Route]:
    caching = Caching(settings.api_max_age_s)
    described: dict[str, Any] = {}
    routes = [
        *recommendations.RecommendationRoutes(store, metrics, caching).routes(),
        *batch.BatchRoutes(store, metrics, caching).routes(),
        *session.SessionRoutes(store, metrics, caching).routes(),
        *events.EventRoutes(store, metrics, settings).routes(),
        *items.ItemRoutes(store, metrics, caching).routes(),
        *lists.NamedListRoutes(store, metrics, caching).routes(),
        *finding.FindingRoutes(store).routes(),
        *generations.GenerationRoutes(store, settings, caching).routes(),
        *audit.AuditRoutes(store, settings).routes(),
        *jobs.RunRoutes(store, queue, settings, api_keys).routes(),
        *health.HealthRoutes(store, settings.stale_after_s).routes(),
        *monitoring.MetricRoutes(metrics, RedisCollector(store, queue, settings)).routes(),
        *docs_page.DocumentationRoutes(described, settings.api_public_origin).routes(),
    ]
    described.update(openapi.document(routes))
    return routes


def _middleware(app: Flask, settings: Settings, metrics: Metrics, *of_middleware: Any) -> Middleware:
    """One that samples what is shown, where that is asked for."""
    if not settings.impressions:
        return Middleware(*of_middleware)
    from api.impressions.sampling import SamplingMiddleware
    from api.impressions.sender import Sender

    app.extensions[SENDER] = sender = Sender(settings, metrics.impressions)
    return SamplingMiddleware(*of_middleware, share=settings.impressions, keep=sender.put)


def queue_of(settings: Settings) -> Breaker:
    """For a Redis of its own that holds the queues; raises SettingsError for an address that can't be one."""
    return Breaker(Clients.of(settings.rq_url, "LARDER_QUEUE_URL"), settings.rq_url)
