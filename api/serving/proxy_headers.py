"""Where a request came from, and under which path, when a proxy stands in front: what it says, if it is one that is trusted.

The environ is put right before anybody reads it: the client's address, its scheme and host, and SCRIPT_NAME, the path that every link,
redirect and cookie begins with. Where no proxy is set, this layer is not there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

from api.http.request_ids import USER
from api.http.versions import VERSION_PATH
from contract.errors import SettingsError
from contract.settings.api import PATH_PREFIX, is_origin
from contract.settings.settings import PREFIX, Settings
from contract.text import words

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MAX_PREFIX = 256
MAX_USER = 128
_SCHEMES = ("http", "https")


def behind_proxy(application: WSGIApplication, settings: Settings, own_paths: Collection[str]) -> WSGIApplication:
    """`application` behind the proxy of `settings`: itself, where they name none. `own_paths`: the first parts of the paths it answers.

    Raises SettingsError for a root path that could not be told from one of those.
    """
    first = settings.api_root_path.strip("/").partition("/")[0]
    if first in own_paths:
        raise SettingsError(f"{PREFIX}API_ROOT_PATH={settings.api_root_path!r}: /{first} is a path of the API's own: name another one")
    if settings.api_user_header and not settings.api_trusted_proxies:
        raise SettingsError(
            f"{PREFIX}API_USER_HEADER: nobody would be believed who sends it: name the proxy in {PREFIX}API_TRUSTED_PROXIES"
        )
    if not settings.api_root_path and not settings.api_trusted_proxies:
        return application
    return ProxyHeaders(application, settings, own_paths)


class ProxyHeaders:
    def __init__(self, application: WSGIApplication, settings: Settings, own_paths: Collection[str]) -> None:
        self._application = application
        self._root = settings.api_root_path
        self._networks = [ip_network(word) for word in words(settings.api_trusted_proxies)]
        self._reads_forwarded = settings.api_forwarded == "forwarded"
        self._user = f"HTTP_{settings.api_user_header.upper().replace('-', '_')}" if settings.api_user_header else ""
        self._own_paths = frozenset(own_paths)
        self._trusts = lru_cache(maxsize=1024)(self._is_in_a_network)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.apply(environ)
        return self._application(environ, start_response)

    def apply(self, environ: WSGIEnvironment) -> None:
        root = self._root
        if self._networks and self._trusts(environ.get("REMOTE_ADDR", "")):
            self._believe(environ)
            root = self._prefix_in(environ) or root
        if root:
            environ["SCRIPT_NAME"] = root
            path = environ["PATH_INFO"]
            # A proxy may leave the prefix where it is, or take it away.
            if path.startswith(root) and path[len(root) : len(root) + 1] in ("/", ""):
                environ["PATH_INFO"] = path[len(root) :] or "/"

    def _believe(self, environ: WSGIEnvironment) -> None:
        chain, said = _of_forwarded(environ) if self._reads_forwarded else _of_x_forwarded(environ)
        # The last that is not a proxy of ours is the client; what stands before it is only what that one says.
        client = next((address for address in reversed(chain) if not self._trusts(address)), chain[0] if chain else "")
        if client and _is_address(client):
            environ["REMOTE_ADDR"] = client
        if (scheme := said.get("proto", "").lower()) in _SCHEMES:
            environ["wsgi.url_scheme"] = scheme
        host = said.get("host", "")
        if host and is_origin(f"http://{host}"):
            environ["HTTP_HOST"] = host
        user = _utf8(environ.get(self._user, "")).strip() if self._user else ""
        if user and len(user) <= MAX_USER and user.isprintable() and "," not in user:  # a comma: of two headers, one is not the proxy's
            environ[USER] = user

    def _prefix_in(self, environ: WSGIEnvironment) -> str:
        """What the proxy has taken away from the path; "" for what can't be one."""
        found = _last(environ.get("HTTP_X_FORWARDED_PREFIX", "")).rstrip("/")
        is_one = len(found) <= MAX_PREFIX and PATH_PREFIX.fullmatch(found) is not None
        return found if is_one and found.split("/")[1] not in self._own_paths else ""

    def _is_in_a_network(self, text: str) -> bool:
        try:
            address = ip_address(text)
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks)


def own_paths(paths: Iterable[str]) -> set[str]:
    """The first parts of `paths`, and of those with a version."""
    return {path.split("/")[1] for path in [*paths, VERSION_PATH]} - {""}


def _of_x_forwarded(environ: WSGIEnvironment) -> tuple[list[str], dict[str, str]]:
    """The addresses that the request came by, the client's first, and what is said of scheme and host."""
    chain = [_bare(part) for part in environ.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    said = {name: _last(environ.get(f"HTTP_X_FORWARDED_{name.upper()}", "")) for name in ("proto", "host")}
    return chain, said


def _of_forwarded(environ: WSGIEnvironment) -> tuple[list[str], dict[str, str]]:
    """The same of RFC 7239's header; of scheme and host the last proxy's word counts."""
    chain: list[str] = []
    said: dict[str, str] = {}
    for element in environ.get("HTTP_FORWARDED", "").split(","):
        said = {}
        for pair in element.split(";"):
            name, _, value = pair.strip().partition("=")
            said[name.lower()] = value.strip('"')
        if "for" in said:
            chain.append(_bare(said["for"]))
    return chain, said


def _bare(text: str) -> str:
    """An address without its port and brackets."""
    text = text.strip().strip('"')
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


def _last(text: str) -> str:
    return text.rpartition(",")[2].strip()


def _utf8(text: str) -> str:
    """A header's value as it was meant, where WSGI has made a character of each byte; "" for what is not UTF-8."""
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return ""


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
