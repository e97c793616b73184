"""`/t/TENANT/...`: each catalogue of LARDER_TENANTS, by an application of its own that is made when it is first asked for."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from flask import Flask

from api.http.problems import REFUSAL, RequestError
from api.http.versions import VERSION_PATH
from api.serving.plain.parts import ARMS, SENDER
from contract.errors import LarderError
from contract.tenants.file import TenantsFile
from contract.tenants.tenant import Tenant

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

BEGINS = "/t/"
OF_PROCESS = ("/health/live", "/metrics")
READY = "/health/ready"
MOST_HELD = 256
AGAIN_S = 5.0
_SHOWN = 40
_TITLES = {404: "Not found", 503: "Tenant unavailable"}
log = logging.getLogger("api")


class ByTenant:
    """Threads share it. At most MOST_HELD applications are held: who was asked last stays."""

    def __init__(self, process: WSGIApplication, file: TenantsFile, make: Callable[[Tenant], Flask]) -> None:
        """`process`: answers what is about the process, and refusals. `make` is called after the fork, by one thread at a time."""
        self._process, self._file, self._make = process, file, make
        self._held: OrderedDict[str, tuple[Tenant, Flask]] = OrderedDict()
        self._refused: dict[str, tuple[Tenant, float]] = {}
        self._lock = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if REFUSAL in environ:
            return self._process(environ, start_response)
        if path.removeprefix(VERSION_PATH) == READY:  # of no one catalogue: the process can serve those that have lists
            environ["PATH_INFO"] = OF_PROCESS[0]
            return self._process(environ, start_response)
        if path.removeprefix(VERSION_PATH) in OF_PROCESS:
            return self._process(environ, start_response)
        if not path.startswith(BEGINS):
            return self._refuse(environ, start_response, f"Name a tenant, as in {BEGINS}TENANT/recommendations: there are several.")
        name, slash, rest = path.removeprefix(BEGINS).partition("/")
        tenant = self._file.all().get(name)
        if tenant is None or not slash:
            return self._refuse(environ, start_response, f"There is no tenant {name[:_SHOWN]!r}.")
        environ["SCRIPT_NAME"] = f"{environ.get('SCRIPT_NAME', '')}{BEGINS}{name}"
        environ["PATH_INFO"] = f"/{rest}"
        if (application := self._of(tenant)) is None:
            return self._refuse(environ, start_response, "This tenant's settings can't be followed: the log of the API says why.", 503)
        return application(environ, start_response)

    def _refuse(self, environ: WSGIEnvironment, start_response: StartResponse, detail: str, status: int = 404) -> Iterable[bytes]:
        environ[REFUSAL] = RequestError(detail, status, _TITLES[status])
        return self._process(environ, start_response)

    def close(self) -> None:
        """With the process: what was shown, and what arms answered, is sent for all of them at the same time."""
        with self._lock:
            ending = [_closing(app) for _, app in self._held.values()]
            self._held.clear()
        for thread in ending:
            thread.join()

    def _of(self, tenant: Tenant) -> WSGIApplication | None:
        """By the tenant's table, or by its last one that could be followed; None where none could."""
        with self._lock:
            held = self._held.get(tenant.name)
            if (held is None or held[0] is not tenant) and (made := self._made(tenant)) is not None:
                if held is not None:
                    _closing(held[1])
                held = self._held[tenant.name] = tenant, made
                made.extensions[ARMS].begin()
                if len(self._held) > MOST_HELD:
                    _closing(self._held.popitem(last=False)[1][1])
            if held is None:
                return None
            self._held.move_to_end(tenant.name)
            return held[1]

    def _made(self, tenant: Tenant) -> Flask | None:
        """None where its keys can't be read, say: tried again every AGAIN_S."""
        refused, again = self._refused.get(tenant.name, (None, 0.0))
        if refused is tenant and time.monotonic() < again:
            return None
        try:
            made = self._make(tenant)
        except LarderError as error:
            self._refused[tenant.name] = tenant, time.monotonic() + AGAIN_S
            log.error("the tenant %s: %s; what was in force for it stays", tenant.name, error)
            return None
        self._refused.pop(tenant.name, None)
        return made


def _closing(app: Flask) -> threading.Thread:
    """Sending the rest may take seconds, for which no request of another tenant waits."""
    thread = threading.Thread(target=_close, args=(app,), daemon=True)
    thread.start()
    return thread


def _close(app: Flask) -> None:
    for name in (SENDER, ARMS):
        if name in app.extensions:
            app.extensions[name].close()
