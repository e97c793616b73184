"""`/t/TENANT/...`: each catalogue of LARDER_TENANTS, by an application of its own that is made when it is first asked for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from flask import Flask

from api.http.problems import REFUSAL, RequestError
from api.http.versions import VERSION_PATH
from api.serving.plain.quick import ARMS, SENDER
from contract.tenants.file import TenantsFile
from contract.tenants.tenant import Tenant

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

BEGINS = "/t/"
OF_PROCESS = ("/health/live", "/metrics")
READY = "/health/ready"
MOST_HELD = 256
_SHOWN = 40


class ByTenant:
    """Threads share it. At most MOST_HELD applications are held: who was asked last stays."""

    def __init__(self, process: WSGIApplication, file: TenantsFile, make: Callable[[Tenant], Flask]) -> None:
        """`process`: answers what is about the process, and refusals. `make` is called after the fork, by one thread at a time."""
        self._process, self._file, self._make = process, file, make
        self._held: OrderedDict[str, tuple[Tenant, Flask]] = OrderedDict()
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
        return self._of(tenant)(environ, start_response)

    def _refuse(self, environ: WSGIEnvironment, start_response: StartResponse, detail: str) -> Iterable[bytes]:
        environ[REFUSAL] = RequestError(detail, 404, "Not found")
        return self._process(environ, start_response)

    def _of(self, tenant: Tenant) -> WSGIApplication:
        with self._lock:
            held = self._held.get(tenant.name)
            if held is None or held[0] is not tenant:
                if held is not None:
                    _close(held[1])
                held = self._held[tenant.name] = tenant, self._make(tenant)
                held[1].extensions[ARMS].begin()
                if len(self._held) > MOST_HELD:
                    _close(self._held.popitem(last=False)[1][1])
            self._held.move_to_end(tenant.name)
            return held[1]


def _close(app: Flask) -> None:
    for name in (SENDER, ARMS):
        if name in app.extensions:
            app.extensions[name].close()
